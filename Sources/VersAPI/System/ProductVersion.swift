/// The version of everything that is built together: daemon, command line, client library.
public enum ProductVersion {
    /// Semantic version.
    public static let text = "0.1.0"
}
