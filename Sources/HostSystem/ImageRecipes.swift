internal import Glibc
public import SystemPackage

/// The scripts that make images, as far as they came with the running executable.
public enum ImageRecipes {
    /// The command that makes the default image of an instance, for a person to type.
    /// - Parameter images: the instance's directory of images.
    public static func command(into images: FilePath) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        guard length > 0 else { return inSources }
        let own = FilePath(String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self))
        return command(into: images, besides: own)
    }

    /// - Parameter executable: in `bin` of the prefix that `make install` was told, or in a build directory.
    static func command(into images: FilePath, besides executable: FilePath) -> String {
        let prefix = executable.removingLastComponent().removingLastComponent()
        let script = prefix.appending("share/vers/images/build.sh")
        return access(script.string, X_OK) == 0 ? "\(script) default \(images)" : inSources
    }

    private static let inSources = "make image"
}
