import Foundation
import HTTPTypes
import VersAPI
import VersCore

/// The OpenAPI 3.1 document of a server, made from the routes that it has and ``TopicDescription``.
///
/// Methods, paths and the need of a key are the routes' own. A route without a description is left out, and a
/// description without a route too; tests see to it that there is neither.
struct APIDocument: Sendable {
    struct Entry: Sendable {
        var operation: OperationDescription
        var needsKey: Bool
        /// Whether it can be named with an idempotency key, and its answer be given again.
        var canBeNamed: Bool
    }

    private struct Place: Hashable {
        var method: String
        /// With every capture as `{}`.
        var path: String
    }

    let entries: [(topic: TopicDescription, entries: [Entry])]
    /// Routes that nothing describes, as `METHOD /path`.
    let undescribed: [String]
    /// Operations that have no route, as `METHOD /path`.
    let unrouted: [String]
    private let version: String

    init(routes: [RouteList.Place], topics: [TopicDescription] = TopicDescription.all, version: String) {
        var places: [Place: RouteList.Place] = [:]
        for route in routes { places[Self.place(route.method, route.pattern)] = route }
        var described: Set<Place> = []
        var unrouted: [String] = []
        entries = topics.compactMap { topic in
            let entries = topic.operations.compactMap { operation -> Entry? in
                let place = Self.place(operation.method.rawValue, operation.path)
                guard let route = places[place] else {
                    unrouted.append("\(operation.method.rawValue) \(operation.path)")
                    return nil
                }
                described.insert(place)
                return Entry(
                    operation: operation,
                    needsKey: route.needsKey,
                    canBeNamed: route.repeatability != .never
                )
            }
            return entries.isEmpty ? nil : (topic, entries)
        }
        self.unrouted = unrouted
        undescribed = routes.filter { !described.contains(Self.place($0.method, $0.pattern)) }
            .map { "\($0.method) \($0.pattern)" }
        self.version = version
    }

    private static func place(_ method: String, _ path: String) -> Place {
        let segments = path.split(separator: "/").map { $0.hasPrefix(":") || $0.hasPrefix("{") ? "{}" : $0 }
        return Place(method: method, path: segments.joined(separator: "/"))
    }

    /// The document as JSON.
    var value: DocumentValue {
        var paths: [String: DocumentValue] = [:]
        for (topic, entries) in entries {
            for entry in entries {
                let method = entry.operation.method.rawValue.lowercased()
                paths[entry.operation.path, default: [:]][method] = Self.operation(entry, topic)
            }
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Vers", "version": .string(version),
                "description": "Linux virtual machines that branch. Answers may get more fields with a newer version.",
                "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
            ],
            "servers": [["url": "/"]],
            "tags": .array(entries.map { ["name": .string($0.topic.name), "description": .string($0.topic.about)] }),
            "paths": .object(paths),
            "components": [
                "schemas": .object(schemas.mapValues(\.value)),
                "securitySchemes": ["key": ["type": "http", "scheme": "bearer"]],
            ],
        ]
    }

    /// The schemas of the topics that the server has.
    var schemas: [String: Schema] {
        entries.reduce(into: TopicDescription.commonSchemas) { all, next in
            all.merge(next.topic.schemas) { _, last in last }
        }
    }

    private static func operation(_ entry: Entry, _ topic: TopicDescription) -> DocumentValue {
        let operation = entry.operation
        var answers = DocumentedErrors(of: operation, needsKey: entry.needsKey).answers(operation)
        answers[String(operation.status)] = answer(operation)
        if entry.canBeNamed { for status in answers.keys { answers[status]?.addReplayHeader(of: status) } }
        var value: DocumentValue = [
            "operationId": .string(operation.id), "summary": .string(operation.summary),
            "tags": [.string(topic.name)], "responses": .object(answers),
            "security": entry.needsKey ? [["key": []]] : [],
        ]
        let parameters =
            operation.captures.map(Self.capture) + operation.query.map(Self.query)
            + (entry.canBeNamed ? [requestName] : [])
        if !parameters.isEmpty { value["parameters"] = .array(parameters) }
        switch operation.body {
        case .json(let schema, let isRequired)?:
            value["requestBody"] = [
                "required": .boolean(isRequired), "content": ["application/json": ["schema": schema.value]],
            ]
        case .bytes(let about)?:
            value["requestBody"] = [
                "required": false, "description": .string(about), "content": ["application/octet-stream": [:]],
            ]
        case nil: break
        }
        return value
    }

    private static func answer(_ operation: OperationDescription) -> DocumentValue {
        var headers: [String: DocumentValue] = [
            "X-Request-Id": ["required": true, "schema": Schema.uuid.about("The daemon's log has the same.").value]
        ]
        for (name, about) in operation.answerHeaders {
            headers[name] = ["required": true, "schema": Schema.string.about(about).value]
        }
        var value: DocumentValue = [
            "description": .string(HTTPResponse.Status(code: operation.status).reasonPhrase),
            "headers": .object(headers),
        ]
        switch operation.content {
        case .json(let schema): value["content"] = ["application/json": ["schema": schema.value]]
        case .lines(let schema):
            value["description"] = .string("One JSON object on each line, each sent at once.")
            value["content"] = [
                "application/x-ndjson": ["schema": ["type": "string"], "x-line-schema": schema.value]
            ]
        case .text(let mediaType): value["content"] = .object([mediaType: ["schema": ["type": "string"]]])
        case .none: break
        }
        return value
    }

    private static let requestName: DocumentValue = [
        "name": .string(HTTPField.Name.idempotencyKey.rawName), "in": "header", "required": false,
        "description": "Names the request: sent again under this name, it is answered again and not done again.",
        "schema": Schema.string(length: 1...IdempotencyKey.lengthLimit, pattern: "^[!-~]+$").value,
    ]

    private static func capture(_ name: String, _ schema: Schema) -> DocumentValue {
        ["name": .string(name), "in": "path", "required": true, "schema": schema.value]
    }

    private static func query(_ parameter: OperationDescription.Parameter) -> DocumentValue {
        [
            "name": .string(parameter.name), "in": "query", "required": .boolean(parameter.isRequired),
            "description": .string(parameter.about), "schema": parameter.schema.value,
        ]
    }
}

extension DocumentValue {
    /// Of an answer: says that a repetition of a named request gets the same. What is refused for reasons that may pass,
    /// and what failed, is not kept.
    fileprivate mutating func addReplayHeader(of status: String) {
        guard let status = Int(status), status < 500, ![401, 408, 413, 429, 499].contains(status) else { return }
        var headers = self["headers"] ?? [:]
        headers[HTTPField.Name.idempotentReplayed.rawName] = [
            "required": false, "description": "The request was answered before: this is that answer.",
            "schema": Schema.choice(["true"]).value,
        ]
        self["headers"] = headers
    }
}

extension OperationDescription {
    /// The captures in its path, in order.
    var captures: [(name: String, schema: Schema)] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { segment in
            let name = String(segment.dropFirst().dropLast())
            return (name, pathSchemas[name] ?? (name.hasSuffix("_id") ? .uuid : .name))
        }
    }
}
