internal import Glibc
public import SystemPackage

/// The scripts that make images, as far as they came with the running executable.
public enum ImageRecipes {
    /// The command that makes the default image of an instance, for a person to type.
    /// - Parameter images: the instance's directory of images.
    public static func command(into images: FilePath) -> String {
        ProcessTable.executable(of: getpid()).map { command(into: images, besides: $0) } ?? inSources
    }

    /// - Parameter executable: in `bin` of the prefix that `make install` was told, or in a build directory.
    static func command(into images: FilePath, besides executable: FilePath) -> String {
        let prefix = executable.removingLastComponent().removingLastComponent()
        let script = prefix.appending("share/vers/images/build.sh")
        return access(script.string, X_OK) == 0 ? "\(script) default \(images)" : inSources
    }

    private static let inSources = "make image"
}
