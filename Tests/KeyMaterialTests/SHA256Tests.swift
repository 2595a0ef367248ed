import Testing

@testable import KeyMaterial

struct SHA256Tests {
    /// From FIPS 180-4's examples.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `known vectors`(text: String, digest: String) {
        #expect(SHA256.digest(of: Array(text.utf8)).hexadecimal == digest)
    }

    @Test func `a million letters fed in uneven pieces`() {
        let hash = SHA256()
        var rest = 1_000_000
        var piece = 1
        while rest > 0 {
            let length = min(piece, rest)
            hash.update([UInt8](repeating: UInt8(ascii: "a"), count: length))
            rest -= length
            piece = piece % 997 + 13
        }
        #expect(hash.finish().hexadecimal == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func `an empty piece changes nothing`() {
        let hash = SHA256()
        hash.update([])
        hash.update(Array("abc".utf8))
        hash.update([])
        #expect(hash.finish() == SHA256.digest(of: Array("abc".utf8)))
    }

    @Test func `hexadecimal keeps leading zeros`() {
        #expect([0x00, 0x0f, 0xa0, 0xff].hexadecimal == "000fa0ff")
    }
}
