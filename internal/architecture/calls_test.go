package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// banned lists calls that are not made outside tests, with the reason.
var banned = map[string]struct {
	why    string
	except []string
}{
	"time.Sleep":         {"nothing can end it: use a timer and a context", nil},
	"http.DefaultClient": {"it has no time-out: use the client of scicat", nil},
	"http.Get":           {"it has no context", nil},
	"os.WriteFile":       {"a crash leaves half a file: use renameio", []string{"internal/kafka/realkafka", "cmd/demo", "bench"}},
	"context.Background": {"it can not be ended: take a context from the caller", []string{"cmd/", "bench"}},
	"context.TODO":       {"it can not be ended: take a context from the caller", nil},
	"log.Print":          {"use the logger of the options", nil},
	"log.Printf":         {"use the logger of the options", nil},
	"log.Fatal":          {"errors go up to main", nil},
	"os.Exit":            {"errors go up to main", []string{"cmd/", "bench"}},
}

func TestBannedCallsAreNotMade(t *testing.T) {
	for _, p := range list(t) {
		files, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			parsed, err := parser.ParseFile(set, file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				x, ok := sel.X.(*ast.Ident)
				if !ok {
					return true
				}
				ban, found := banned[x.Name+"."+sel.Sel.Name]
				if found && !slices.ContainsFunc(ban.except, func(r string) bool { return under(p.ImportPath, r) }) {
					t.Errorf("%s: %s.%s: %s", set.Position(n.Pos()), x.Name, sel.Sel.Name, ban.why)
				}
				return true
			})
		}
	}
}
