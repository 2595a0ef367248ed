import HTTPTypes

/// The document as a page for people: HTML that loads nothing.
struct DocumentPage {
    let document: APIDocument
    let version: String

    var html: String {
        var page = Self.head(version)
        page += "<nav>" + document.entries.map { Self.link($0.topic.name) }.joined(separator: " · ") + "</nav>\n"
        for (topic, entries) in document.entries {
            page += "<h2 id=\"\(Self.anchor(topic.name))\">\(Self.escaped(topic.name))</h2>\n"
            page += "<p>\(Self.prose(topic.about))</p>\n"
            for entry in entries { page += Self.operation(entry) }
        }
        page += "<h2 id=\"schemas\">Schemas</h2>\n"
        for (name, schema) in document.schemas.sorted(by: { $0.key < $1.key }) { page += Self.schema(name, schema) }
        return page + "</main></body></html>\n"
    }

    private static func head(_ version: String) -> String {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
        <title>Vers HTTP API</title>
        <style>
        :root { color-scheme: light dark }
        body { font: 16px/1.5 system-ui, sans-serif; margin: 0 } main { max-width: 60rem; margin: auto; padding: 1rem }
        code { font-family: ui-monospace, monospace; font-size: .9em } summary { cursor: pointer; padding: .3rem 0 }
        details { border-top: 1px solid #8885 } table { border-collapse: collapse; margin: .5rem 0 1rem }
        td, th { text-align: left; vertical-align: top; padding: .15rem 1rem .15rem 0 } .method { font-weight: 600 }
        </style></head><body><main>
        <h1>Vers HTTP API</h1>
        <p>Version \(escaped(version)). Operations marked <em>key</em> need <code>Authorization: Bearer KEY</code>.
        For programs: <a href="/openapi.json">openapi.json</a>.</p>

        """
    }

    private static func operation(_ entry: APIDocument.Entry) -> String {
        let operation = entry.operation
        var html = "<details id=\"\(operation.id)\"><summary><code><span class=\"method\">"
        html += "\(operation.method.rawValue)</span> \(escaped(operation.path))</code>"
        html += "\(entry.needsKey ? " <em>key</em>" : "")<br>\(prose(operation.summary))</summary>\n<table>\n"
        for capture in operation.captures { html += row(capture.name, "path", describe(capture.schema.value)) }
        for parameter in operation.query {
            let about = "\(describe(parameter.schema.value)): \(prose(parameter.about))"
            html += row(parameter.name, parameter.isRequired ? "query, required" : "query", about)
        }
        if entry.canBeNamed { html += row("X-Idempotency-Key", "header", "a name, for sending the request again") }
        switch operation.body {
        case .json(let schema, let isRequired)?:
            html += row("body", isRequired ? "JSON" : "JSON, optional", describe(schema.value))
        case .bytes(let about)?: html += row("body", "bytes", prose(about))
        case nil: break
        }
        html += row("\(operation.status)", "answer", content(operation.content))
        let errors = DocumentedErrors(of: operation, needsKey: entry.needsKey).codes
        for (status, codes) in errors.sorted(by: { $0.key < $1.key }) {
            html += row("\(status)", "error", codes.map { "<code>\($0)</code>" }.sorted().joined(separator: ", "))
        }
        return html + "</table></details>\n"
    }

    private static func content(_ content: OperationDescription.Content) -> String {
        switch content {
        case .json(let schema): describe(schema.value)
        case .lines(let schema): "lines of JSON, each \(describe(schema.value))"
        case .text(let mediaType): escaped(mediaType)
        case .none: "no body"
        }
    }

    private static func schema(_ name: String, _ schema: Schema) -> String {
        var html = "<details id=\"schema-\(name)\"><summary><code>\(name)</code></summary>\n"
        let properties = schema.value["properties"]?.fields ?? [:]
        guard !properties.isEmpty else { return html + "<p>\(describe(schema.value))</p></details>\n" }
        let required = Set((schema.value["required"]?.elements ?? []).compactMap(\.text))
        html += "<table>\n"
        for (field, value) in properties.sorted(by: { $0.key < $1.key }) {
            html += row(field, required.contains(field) ? "" : "optional", describe(value))
        }
        return html + "</table></details>\n"
    }

    /// A schema in words, with links to the named ones.
    private static func describe(_ schema: DocumentValue) -> String {
        var text = kind(of: schema)
        if case .integer(let minimum)? = schema["minimum"], case .integer(let maximum)? = schema["maximum"] {
            text += " from \(minimum) to \(maximum)"
        }
        if let about = schema["description"]?.text { text += ". \(prose(about))" }
        return text
    }

    private static func kind(of schema: DocumentValue) -> String {
        if let name = schema["$ref"]?.text?.split(separator: "/").last {
            return "<a href=\"#schema-\(name)\"><code>\(name)</code></a>"
        }
        if let alternatives = schema["anyOf"]?.elements {
            return alternatives.filter { $0["type"]?.text != "null" }.map(describe).joined(separator: " or ")
        }
        if let choices = schema["enum"]?.elements.compactMap(\.text), !choices.isEmpty {
            return choices.map { "<code>\(escaped($0))</code>" }.joined(separator: ", ")
        }
        let type = schema["type"]?.text ?? schema["type"]?.elements.first?.text ?? "anything"
        if let items = schema["items"] { return "array of \(describe(items))" }
        if let fields = schema["properties"]?.fields, !fields.isEmpty {
            return "{" + fields.keys.sorted().map { "<code>\(escaped($0))</code>" }.joined(separator: ", ") + "}"
        }
        return escaped(schema["format"]?.text ?? type)
    }

    private static func row(_ name: String, _ kind: String, _ about: String) -> String {
        "<tr><td><code>\(escaped(name))</code><td>\(escaped(kind))<td>\(about)</tr>\n"
    }

    private static func link(_ name: String) -> String { "<a href=\"#\(anchor(name))\">\(escaped(name))</a>" }

    private static func anchor(_ name: String) -> String {
        name.lowercased().split(separator: " ").joined(separator: "-")
    }

    /// Text with code between backticks.
    private static func prose(_ text: String) -> String {
        let parts = escaped(text).split(separator: "`", omittingEmptySubsequences: false)
        return parts.enumerated().map {
            $0.offset.isMultiple(of: 2) ? String($0.element) : "<code>\($0.element)</code>"
        }
        .joined()
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { html, character in
            switch character {
            case "&": html += "&amp;"
            case "<": html += "&lt;"
            case ">": html += "&gt;"
            case "\"": html += "&quot;"
            default: html.append(character)
            }
        }
    }
}
