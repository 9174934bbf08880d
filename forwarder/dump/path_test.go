package dump

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"ingestor/internal/fault"
)

func TestPath(t *testing.T) {
	mapping := uuid.MustParse("0D78C656-113c-42e9-9613-87c61d85fb3a")
	for _, c := range []struct {
		name, fixed, prefix, want string
		refused                   bool
	}{
		{name: "nothing asks for a dump"},
		{name: "the parameter begins it", prefix: "/data/x_", want: "/data/x_eiger-ingester-0d78c656-113c-42e9-9613-87c61d85fb3a.cbors"},
		{name: "a plain text, not JSON", prefix: `"/a"`, want: `"/a"eiger-ingester-0d78c656-113c-42e9-9613-87c61d85fb3a.cbors`},
		{name: "the fixed one wins", fixed: "/d.cbors", prefix: "/data/x_", want: "/d.cbors"},
		{name: "even over what is no path", fixed: "/d.cbors", prefix: "\xff", want: "/d.cbors"},
		{name: "what is no text", prefix: "/data/\xff", refused: true},
		{name: "what ends in the middle", prefix: "/data/\x00", refused: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Path(c.fixed, []byte(c.prefix), "eiger-ingester", mapping)
			if got != c.want || (err != nil) != c.refused {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestCheck_LeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "there")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, good := range map[string]bool{
		file: true, filepath.Join(dir, "new.cbors"): true, dir: false,
		filepath.Join(dir, "none", "x"): false, filepath.Join(file, "x"): false,
	} {
		err := Check(path)
		if (err == nil) != good || err != nil && fault.KindOf(err) != fault.BadConfiguration {
			t.Errorf("%s: %v", path, err)
		}
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
}
