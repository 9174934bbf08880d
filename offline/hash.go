package offline

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"

	"ingestor/internal/fault"
)

// algorithms are those of Python's hashlib, by the same names (D4).
var algorithms = map[string]func() hash.Hash{
	"blake2b": func() hash.Hash {
		h, _ := blake2b.New512(nil) // fails for keys only
		return h
	},
	"blake2s": func() hash.Hash {
		h, _ := blake2s.New256(nil) // fails for keys only
		return h
	},
	"md5":      md5.New,
	"sha1":     sha1.New,
	"sha224":   sha256.New224,
	"sha256":   sha256.New,
	"sha384":   sha512.New384,
	"sha512":   sha512.New,
	"sha3_224": func() hash.Hash { return sha3.New224() },
	"sha3_256": func() hash.Hash { return sha3.New256() },
	"sha3_384": func() hash.Hash { return sha3.New384() },
	"sha3_512": func() hash.Hash { return sha3.New512() },
}

// Algorithms lists the names of the checksums that can be computed.
func Algorithms() []string {
	names := make([]string, 0, len(algorithms))
	for name := range algorithms {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func newHash(name string) (hash.Hash, error) {
	make, ok := algorithms[name]
	if !ok {
		return nil, fmt.Errorf("unknown hash algorithm %q: known are %v", name, Algorithms())
	}
	return make(), nil
}

// hashBuffer is large enough that system calls do not count, and small enough
// to stay in the second-level cache between reading and hashing.
const hashBuffer = 512 << 10

// hashFile is the hexadecimal checksum of a file. A cancelled context ends it
// between two buffers.
func hashFile(ctx context.Context, path, algorithm string, progress func(done, total int64)) (string, error) {
	h, err := newHash(algorithm)
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", withHint(fault.Errorf(fault.OfSystem(err), "compute the checksum of %s: %w", path, bare(err)))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fault.Errorf(fault.Unavailable, "compute the checksum of %s: %w", path, bare(err))
	}
	buf := make([]byte, min(hashBuffer, info.Size()+1))
	for done := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return "", fmt.Errorf("compute the checksum of %s: %w", path, err)
		}
		n, err := f.Read(buf)
		h.Write(buf[:n]) // never fails
		if done += int64(n); progress != nil {
			progress(done, info.Size())
		}
		if err == io.EOF {
			return hex.EncodeToString(h.Sum(nil)), nil
		}
		if err != nil {
			return "", fault.Errorf(fault.Unavailable, "compute the checksum of %s: %w", path, bare(err))
		}
	}
}
