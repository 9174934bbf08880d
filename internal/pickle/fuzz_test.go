package pickle

import "testing"

// FuzzLoad: no pickle breaks the reader, and what it makes stays within its limit.
func FuzzLoad(f *testing.F) {
	for _, c := range measured(f) {
		if len(c.Pickle) < 2000 {
			f.Add(c.Pickle)
		}
	}
	f.Add([]byte("]q\x00h\x00a."))
	f.Fuzz(func(t *testing.T, b []byte) {
		const objects = 1000
		v, err := Load(b, Limits{Objects: objects})
		if err != nil {
			if v != nil {
				t.Fatalf("%v and a value: %#v", err, v)
			}
			return
		}
		seen := map[any]bool{}
		var walk func(v any)
		walk = func(v any) {
			var parts [][]any
			switch v := v.(type) {
			case *List:
				parts = [][]any{v.Items}
			case *Tuple:
				parts = [][]any{v.Items}
			case *Set:
				parts = [][]any{v.Items}
			case *Dict:
				if len(v.Keys) != len(v.Values) {
					t.Fatalf("%d keys, %d values", len(v.Keys), len(v.Values))
				}
				parts = [][]any{v.Keys, v.Values}
			case *Opaque:
				parts = [][]any{{v.Callable, v.Args}}
			default:
				return
			}
			if seen[v] {
				return
			}
			seen[v] = true
			for _, items := range parts {
				for _, item := range items {
					walk(item)
				}
			}
		}
		walk(v)
		if len(seen) > objects {
			t.Fatalf("%d containers of %d bytes", len(seen), len(b))
		}
	})
}
