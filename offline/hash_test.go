package offline

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ingestor/configs"
	"ingestor/internal/fault"
)

// The checksums of "abc" and of nothing that the standards and Python's hashlib give.
var vectors = map[string]struct{ abc, nothing string }{
	"blake2b": {
		"ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
		"786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419d25e1031afee585313896444934eb04b903a685b1448b755d56f701afe9be2ce",
	},
	"blake2s": {
		"508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982",
		"69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9",
	},
	"md5": {
		"900150983cd24fb0d6963f7d28e17f72",
		"d41d8cd98f00b204e9800998ecf8427e",
	},
	"sha1": {
		"a9993e364706816aba3e25717850c26c9cd0d89d",
		"da39a3ee5e6b4b0d3255bfef95601890afd80709",
	},
	"sha224": {
		"23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
		"d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f",
	},
	"sha256": {
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	},
	"sha384": {
		"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
		"38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
	},
	"sha512": {
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
		"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
	},
	"sha3_224": {
		"e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf",
		"6b4e03423667dbb73b6e15454f0eb1abd4597f9a1b078e3f5b5a6bc7",
	},
	"sha3_256": {
		"3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
		"a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a",
	},
	"sha3_384": {
		"ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25",
		"0c63a75b845e4f7d01107d852e4c2485c51a50aaaa94fc61995e71bbee983a2ac3713831264adb47fb6bd1e058d5f004",
	},
	"sha3_512": {
		"b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
		"a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a615b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26",
	},
}

func TestHash_KnownVectorsOfEveryAlgorithm(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{"abc": "abc", "nothing": ""}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, algorithm := range Algorithms() {
		t.Run(algorithm, func(t *testing.T) {
			want, ok := vectors[algorithm]
			if !ok {
				t.Fatal("no vector")
			}
			for name, digest := range map[string]string{"abc": want.abc, "nothing": want.nothing} {
				got, err := hashFile(t.Context(), filepath.Join(dir, name), algorithm, nil)
				if err != nil || got != digest {
					t.Errorf("%s: got %s, %v; want %s", name, got, err, digest)
				}
			}
		})
	}
}

func TestHash_TheConfigurationTakesTheSameNames(t *testing.T) {
	names := configs.HashAlgorithms()
	slices.Sort(names)
	if got := Algorithms(); !slices.Equal(got, names) {
		t.Errorf("offline knows %v, configs %v", got, names)
	}
}

func TestHash_AcrossBuffersItIsTheSame(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), (3*hashBuffer+1000)/16)
	path := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	h, err := newHash("sha256")
	if err != nil {
		t.Fatal(err)
	}
	h.Write(content)
	var last, total int64
	got, err := hashFile(t.Context(), path, "sha256", func(d, n int64) {
		if d < last {
			t.Errorf("progress goes back from %d to %d", last, d)
		}
		last, total = d, n
	})
	if want := hex.EncodeToString(h.Sum(nil)); err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	if size := int64(len(content)); last != size || total != size {
		t.Errorf("progress ends at %d of %d, want %d", last, total, size)
	}
}

func TestHash_ACancelledContextEndsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(path, make([]byte, 4*hashBuffer), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	_, err := hashFile(ctx, path, "md5", func(_, _ int64) { calls++; cancel() })
	if !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("after %d buffers: %v", calls, err)
	}
}

func TestHash_AFileThatIsGoneIsNoFaultOfItsOwn(t *testing.T) {
	_, err := hashFile(t.Context(), filepath.Join(t.TempDir(), "none"), "md5", nil)
	if fault.KindOf(err) != fault.Busy { // the share may have gone away
		t.Errorf("kind %v: %v", fault.KindOf(err), err)
	}
}

func TestNew_ListsAllFaultsOfTheOptions(t *testing.T) {
	_, err := New(Options{Files: FileOptions{SaveHash: true}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"no schemas", "no catalogue", "can not be saved"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
	if _, err := New(Options{Files: FileOptions{Hash: true, Algorithm: "crc32"}}); err == nil ||
		!strings.Contains(err.Error(), "crc32") {
		t.Errorf("an unknown algorithm: %v", err)
	}
}
