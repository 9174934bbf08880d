package tree

import (
	"bufio"
	"io"
	"os"
	"path"
	"strings"
)

// mountTable are the paths on which something is mounted that would not be seen there
// without it. It is empty on systems without mountinfo.
func mountTable() map[string]bool {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	defer f.Close()
	return parseMounts(f)
}

// mountLine is one of mountinfo: what is mounted, as device and folder in it, and where.
type mountLine struct{ id, parent, device, folder, point string }

// unescape gives the characters that mountinfo can not hold.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\043`, "#", `\134`, `\`)

func parseMounts(r io.Reader) map[string]bool {
	byID, on := map[string]mountLine{}, map[[2]string]string{} // the latter by parent and point
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) > 4 {
			m := mountLine{f[0], f[1], f[2], unescape.Replace(f[3]), unescape.Replace(f[4])}
			byID[m.id], on[[2]string{m.parent, m.point}] = m, m.id
		}
	}
	// A mount is hidden by one on a folder above it, in the same parent.
	var visible func(m mountLine) bool
	visible = func(m mountLine) bool {
		for at := m.point; at != "/"; {
			at = path.Dir(at)
			if id, covered := on[[2]string{m.parent, at}]; covered && id != m.id {
				return false
			}
		}
		above, listed := byID[m.parent]
		return !listed || above.id == m.id || visible(above)
	}
	shown := map[string]mountLine{}
	for _, m := range byID {
		if over, is := on[[2]string{m.id, m.point}]; (!is || over == m.id) && visible(m) {
			shown[m.point] = m
		}
	}
	table := map[string]bool{}
	for point, m := range shown {
		if !m.again(shown) {
			table[point] = true
		}
	}
	return table
}

// again tells whether the mount shows what is there without it: a service manager
// mounts folders on themselves to protect them.
func (m mountLine) again(shown map[string]mountLine) bool {
	for at := m.point; at != "/"; {
		at = path.Dir(at)
		if above, is := shown[at]; is {
			return above.device == m.device && m.folder == path.Join(above.folder, strings.TrimPrefix(m.point, at))
		}
	}
	return false
}
