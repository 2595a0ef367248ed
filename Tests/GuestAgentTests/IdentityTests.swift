import GuestProtocol
import Testing

@testable import GuestAgent

@Suite struct IdentityTests {
    @Test func onlyOurOwnKeyIsReplaced() {
        let before = "# mine\nssh-rsa AAAA me@home\nssh-ed25519 OLD vers\nssh-ed25519 BBBB other"
        let after = AuthorizedKeys.replacing(before, with: "ssh-ed25519 NEW vers\n")
        #expect(after == "# mine\nssh-rsa AAAA me@home\nssh-ed25519 BBBB other\nssh-ed25519 NEW vers\n")
        #expect(AuthorizedKeys.replacing(after, with: "ssh-ed25519 NEW") == after)
        #expect(AuthorizedKeys.replacing("", with: "ssh-ed25519 NEW x") == "ssh-ed25519 NEW vers\n")
    }

    @Test func ourBlockOfTheEnvironmentIsReplaced() {
        let variables = [EnvironmentVariable(name: "B", value: "2 3"), EnvironmentVariable(name: "A", value: "1")]
        let first = EnvironmentFile.replacing("PATH=/bin\n", with: variables)
        let lines = first.split(separator: "\n").map(String.init)
        #expect(lines.first == "PATH=/bin" && lines.contains("A=\"1\"") && lines.contains("B=\"2 3\""))
        let second = EnvironmentFile.replacing(first, with: [EnvironmentVariable(name: "C", value: "4")])
        #expect(second.contains("C=\"4\"") && !second.contains("A=") && second.hasPrefix("PATH=/bin\n"))
        #expect(EnvironmentFile.replacing(second, with: []) == "PATH=/bin\n")
        let hostile = [EnvironmentVariable(name: "N", value: "1\nPATH=/evil")]
        #expect(EnvironmentFile.replacing("PATH=/bin\n", with: hostile) == "PATH=/bin\n")
    }

    @Test func linesOfTheGuestsUserStayWhateverBecomesOfOurBlock() {
        let variables = [EnvironmentVariable(name: "A", value: "1")]
        // Nothing of ours in it, nothing to write: not even blank lines change.
        #expect(EnvironmentFile.replacing("X=1\n\n\n", with: []) == "X=1\n\n\n")
        #expect(EnvironmentFile.replacing("X=1", with: []) == "X=1")
        let full = EnvironmentFile.replacing("X=1\n", with: variables)
        #expect(EnvironmentFile.replacing(full + "Y=2\n", with: []) == "X=1\nY=2\n")
        // Somebody took the last mark away: what follows is not taken for ours.
        let lines = full.split(separator: "\n")
        let damaged = lines.dropLast().joined(separator: "\n") + "\nY=2\n"
        let repaired = EnvironmentFile.replacing(damaged, with: [])
        #expect(repaired == "X=1\nA=\"1\"\nY=2\n")
        let twice = damaged + full
        #expect(EnvironmentFile.replacing(twice, with: []).contains("Y=2\nX=1\n"))
    }

    @Test func theEnvironmentFileIsReadAsPAMDoes() {
        let text = "# c\nexport A=\"1 2\"\nB='x'\n C=plain  \nbroken\n=no\nD=\n"
        let parsed = Environment.parse(text).map { "\($0.name)=\($0.value)" }
        #expect(parsed == ["A=1 2", "B=x", "C=plain", "D="])
    }

    /// Made with ssh-keygen -t ed25519.
    private static let pem = """
        -----BEGIN OPENSSH PRIVATE KEY-----
        b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
        QyNTUxOQAAACCMmclMo9x22I4agjr+NInPR0cx0XB4gn9eQiH7MxU0/wAAAIg8+bBAPPmw
        QAAAAAtzc2gtZWQyNTUxOQAAACCMmclMo9x22I4agjr+NInPR0cx0XB4gn9eQiH7MxU0/w
        AAAEDlxgpA2HYLFjaRVJ0kBWOnBuaHX57e3by6DGmZaOozrIyZyUyj3HbYjhqCOv40ic9H
        RzHRcHiCf15CIfszFTT/AAAAAAECAwQF
        -----END OPENSSH PRIVATE KEY-----

        """

    @Test func thePublicHalfIsInThePEM() {
        #expect(
            SSHHostKey.publicKey(inPEM: Self.pem)
                == "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIyZyUyj3HbYjhqCOv40ic9HRzHRcHiCf15CIfszFTT/"
        )
    }

    @Test func aDamagedPEMIsRefused() {
        #expect(SSHHostKey.publicKey(inPEM: "") == nil)
        #expect(SSHHostKey.publicKey(inPEM: "-----BEGIN X-----\nAAAA\n-----END X-----") == nil)
        let lines = Self.pem.split(separator: "\n")
        #expect(SSHHostKey.publicKey(inPEM: lines[1].prefix(64).description) == nil)
    }

    @Test(arguments: ["", "f", "fo", "foo", "foob", "fooba", "foobar"])
    func base64IsThatOfTheRFC(text: String) {
        let expected = [
            "": "", "f": "Zg==", "fo": "Zm8=", "foo": "Zm9v", "foob": "Zm9vYg==", "fooba": "Zm9vYmE=",
            "foobar": "Zm9vYmFy",
        ]
        #expect(Base64.encode(Array(text.utf8)) == expected[text])
        #expect(Base64.decode(Base64.encode(Array(text.utf8))) == Array(text.utf8))
        #expect(Base64.decode("Zg=") == nil)
        #expect(Base64.decode("Z*==") == nil)
    }
}
