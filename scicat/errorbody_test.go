package scicat

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDecodeErrorBody_EveryShapeIsOneLine(t *testing.T) {
	tests := []struct{ name, body, message, fields string }{
		{"v3 validation",
			`{"status":400,"message":"[{\"property\":\"owner\",\"children\":[],\"constraints\":{\"isString\":\"owner must be a string\"}}]"}`,
			"owner must be a string", "owner"},
		{"v3 unknown field",
			`{"status":400,"message":"[{\"property\":\"bogus\",\"constraints\":{\"whitelistValidation\":\"property bogus should not exist\"}}]"}`,
			"property bogus should not exist", "bogus"},
		{"v3 nested",
			`{"status":400,"message":"[{\"property\":\"techniques\",\"children\":[{\"property\":\"0\",\"children\":[{\"property\":\"pid\",\"children\":[],\"constraints\":{\"isString\":\"pid must be a string\"}}]}]}]"}`,
			"techniques.0: pid must be a string", "techniques.0.pid"},
		{"v3 several constraints",
			`{"status":400,"message":"[{\"property\":\"sourceFolder\",\"children\":[],\"constraints\":{\"isNotEmpty\":\"sourceFolder should not be empty\",\"isString\":\"sourceFolder must be a string\"}}]"}`,
			"sourceFolder should not be empty; sourceFolder must be a string", "sourceFolder,sourceFolder"},
		{"v3 a sentence without its field",
			`{"status":400,"message":"[{\"property\":\"ownerEmail\",\"children\":[],\"constraints\":{\"isEmail\":\"must be an email\"}},{\"property\":\"a\",\"children\":[{\"property\":\"b\",\"constraints\":{\"x\":\"must be set\"}}]}]"}`,
			"ownerEmail: must be an email; a.b: must be set", "ownerEmail,a.b"},
		{"v3 plain", `{"status":400,"message":"no two filters"}`, "no two filters", ""},
		{"list of sentences", `{"message":["size must be an integer number","dataFileList.0.property zz should not exist"],"error":"Bad Request","statusCode":400}`,
			"size must be an integer number; dataFileList.0.property zz should not exist", "size,dataFileList.0.zz"},
		{"exception", `{"message":"A dataset with pid x already exists!","error":"Conflict","statusCode":409}`, "A dataset with pid x already exists!", ""},
		{"database validation", `{"errors":{"owner":{"message":"Path owner is required."}},"_message":"x","message":"DatasetClass validation failed"}`,
			"Path owner is required.", "owner"},
		{"bare string", `"Internal server error"`, "Internal server error", ""},
		{"empty", ``, "", ""},
		{"null", `null`, "", ""},
		{"only an error", `{"error":"boom"}`, "boom", ""},
		{"something else", `{"a":1}`, `{"a":1}`, ""},
		{"page with a title", "<html><head><title>502 Bad\nGateway</title></head><body>x</body></html>", "502 Bad Gateway", ""},
		{"page without", "<html>oops</html>", "oops", ""},
		{"text", "upstream\r\n\x1b[31mtimed out", "upstream [31mtimed out", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			message, fields := decodeErrorBody([]byte(tt.body))
			names := make([]string, len(fields))
			for i, f := range fields {
				names[i] = f.Field
			}
			if message != tt.message || strings.Join(names, ",") != tt.fields {
				t.Errorf("%q, fields %q; want %q, %q", message, names, tt.message, tt.fields)
			}
		})
	}
}

func FuzzDecodeErrorBody(f *testing.F) {
	for _, seed := range []string{
		"", "null", `"x"`, `{"message":["a",1,{}]}`, `{"message":{"a":1}}`, `{"status":400,"message":"[{\"property\":\"a\",\"children\":[{}]}]"}`,
		`{"errors":{"a":1,"b":{"message":2}}}`, "<html><title>", "\xff\xfe", `[1,2]`, strings.Repeat("å", 1500),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		message, fields := decodeErrorBody(body)
		texts := []string{message}
		for _, field := range fields {
			texts = append(texts, field.Field, field.Problem)
		}
		for _, text := range texts {
			if len(text) > maxMessage || !utf8.ValidString(text) || strings.ContainsAny(text, "\r\n\x00\x1b") {
				t.Errorf("%q is no bounded, printable line", text)
			}
		}
	})
}
