import GuestProtocol
import Testing

@testable import GuestAgent

@Suite struct IdentityTests {
    @Test func onlyOurOwnKeyIsReplaced() {
        func replacing(_ text: String, with line: String) -> String {
            String(decoding: AuthorizedKeys.replacing(Array(text.utf8), with: Array(line.utf8)), as: UTF8.self)
        }
        let before = "# mine\nssh-rsa AAAA me@home\nssh-ed25519 OLD vers\nssh-ed25519 BBBB other"
        let after = replacing(before, with: "ssh-ed25519 NEW vers\n")
        #expect(after == "# mine\nssh-rsa AAAA me@home\nssh-ed25519 BBBB other\nssh-ed25519 NEW vers\n")
        #expect(replacing(after, with: "ssh-ed25519 NEW") == after)
        #expect(replacing("", with: "ssh-ed25519 NEW x") == "ssh-ed25519 NEW vers\n")
    }

    @Test func ourBlockOfAFileIsReplaced() {
        let first = MarkedBlock.replacing("PATH=/bin\n", with: ["A=1", "B=2"])
        let lines = first.split(separator: "\n").map(String.init)
        #expect(lines.count == 5 && lines[0] == "PATH=/bin" && lines[2...3] == ["A=1", "B=2"])
        let second = MarkedBlock.replacing(first, with: ["C=4"])
        #expect(second.contains("C=4") && !second.contains("A=") && second.hasPrefix("PATH=/bin\n"))
        #expect(MarkedBlock.replacing(second, with: []) == "PATH=/bin\n")
        #expect(MarkedBlock.replacing(MarkedBlock.replacing("", with: ["A=1"]), with: []) == "")
    }

    @Test func linesOfTheGuestsUserStayWhateverBecomesOfOurBlock() {
        // Nothing of ours in it, nothing to write: not even blank lines change.
        #expect(MarkedBlock.replacing("X=1\n\n\n", with: []) == "X=1\n\n\n")
        #expect(MarkedBlock.replacing("X=1", with: []) == "X=1")
        let full = MarkedBlock.replacing("X=1\n", with: ["A=1"])
        #expect(MarkedBlock.replacing(full + "Y=2\n", with: []) == "X=1\nY=2\n")
        // Somebody took the last mark away: what follows is not taken for ours.
        let damaged = full.split(separator: "\n").dropLast().joined(separator: "\n") + "\nY=2\n"
        #expect(MarkedBlock.replacing(damaged, with: []) == "X=1\nA=1\nY=2\n")
        #expect(MarkedBlock.replacing(damaged + full, with: []).contains("Y=2\nX=1\n"))
    }

    @Test(
        arguments: [
            ("plain", #"N="plain""#, "N=plain"), ("a  b$x\\'", #"N="a  b$x\'""#, #"N=a  b$x\'"#), ("", #"N="""#, "N="),
            ("a#b", nil, "N=a#b"), ("a\"b", nil, "N=a\"b"), ("a\rb", nil, "N=a\rb"), ("1\nPATH=/evil", nil, nil),
            (String(repeating: "x", count: 8001), nil, "N=" + String(repeating: "x", count: 8001)),
        ]
    )
    func whatPAMCannotReadBackIsLeftToTheSSHServer(_ value: String, _ pam: String?, _ ssh: String?) {
        let variable = EnvironmentVariable(name: "N", value: value)
        #expect(EnvironmentFile.pamLine(variable) == pam)
        #expect(EnvironmentFile.sshLine(variable) == ssh)
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

    @Test func dropbearGetsTheKeyInItsOwnForm() throws {
        let key = try #require(SSHHostKey.dropbearKey(inPEM: Self.pem))
        #expect(key.count == 83 && key.starts(with: [0, 0, 0, 11] + Array("ssh-ed25519".utf8) + [0, 0, 0, 64]))
        let blob = try #require(Base64.decode("AAAAC3NzaC1lZDI1NTE5AAAAIIyZyUyj3HbYjhqCOv40ic9HRzHRcHiCf15CIfszFTT/"))
        #expect(key.suffix(32) == blob.suffix(32))
    }

    @Test func sessionsOfSSHGetEveryValueAsItIs() {
        let variables = ["B": "it's", "A": "two\n$(lines)", "HOME": "/root", "TERM": "x"]
        #expect(SSHService.exports(of: variables) == "export A='two\n$(lines)'\nexport B='it'\\''s'\n")
    }

    @Test func aDamagedPEMIsRefused() {
        #expect(SSHHostKey.dropbearKey(inPEM: "") == nil)
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
