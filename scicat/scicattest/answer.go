package scicattest

import (
	"encoding/json"
	"net/http"
	"strings"
)

// answer is what a handler gives back. A body of nothing is an empty body.
type answer struct {
	status int
	body   any
}

// nothing stands for an empty body, which JSON has no value for.
type nothing struct{}

func ok(body any) answer      { return answer{http.StatusOK, body} }
func created(body any) answer { return answer{http.StatusCreated, body} }

// exception is the error shape of the framework's own exceptions.
func exception(status int, message string) answer {
	return answer{status, Document{"message": message, "error": http.StatusText(status), "statusCode": status}}
}

// bareException is the same without a name, as some endpoints have it.
func bareException(status int, message string) answer {
	return answer{status, Document{"message": message, "statusCode": status}}
}

// badDataset is the error shape of dataset endpoints of version 3.
func badDataset(message string) answer {
	return answer{http.StatusBadRequest, Document{"status": 400, "message": message}}
}

func unauthenticated() answer { return exception(http.StatusUnauthorized, "Unauthenticated") }
func forbidden() answer       { return exception(http.StatusForbidden, "Forbidden resource") }
func noAccess() answer        { return exception(http.StatusForbidden, "Unauthorized access") }
func internalError() answer   { return answer{http.StatusInternalServerError, "Internal server error"} }
func notFound() answer        { return bareException(http.StatusNotFound, "Not Found") }

// listed is the answer to a query: all it found, or why it could not be asked.
func listed(found []Document, bad *answer) answer {
	if bad != nil {
		return *bad
	}
	return ok(anyList(found))
}

// counted is the answer that tells how many a query found.
func counted(found []Document, bad *answer) answer {
	if bad != nil {
		return *bad
	}
	return ok(Document{"count": len(found)})
}

// first is the answer that gives one of what a query found, if any.
func first(found []Document, bad *answer) answer {
	switch {
	case bad != nil:
		return *bad
	case len(found) == 0:
		return ok(nothing{})
	}
	return ok(found[0])
}

// encoded is the body as bytes.
func (a answer) encoded() []byte {
	if _, empty := a.body.(nothing); empty {
		return nil
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(a.body); err != nil {
		return []byte(`"` + err.Error() + `"`)
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}
