// Command reference answers Jsonnet programs with what go-jsonnet says about them: one JSON question a line on
// standard input, one JSON answer a line on standard output, in the same order. An error is an answer like any other.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"

	"github.com/google/go-jsonnet"
	"github.com/google/go-jsonnet/ast"
)

type question struct {
	Name     string            `json:"name"`
	Code     string            `json:"code"`
	Kind     string            `json:"kind"` // json, string, multi or stream
	Files    map[string]string `json:"files"`
	ExtStr   map[string]string `json:"extStr"`
	ExtCode  map[string]string `json:"extCode"`
	TlaStr   map[string]string `json:"tlaStr"`
	TlaCode  map[string]string `json:"tlaCode"`
	MaxStack int               `json:"maxStack"`
	MaxTrace int               `json:"maxTrace"` // frames before the middle of a stack is cropped; 0: never
}

type answer struct {
	Output any     `json:"output,omitempty"` // a string, an object of strings (multi), an array of strings (stream)
	Error  *string `json:"error,omitempty"`
	Trace  string  `json:"trace"` // what std.trace wrote
}

func main() {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var asked question
			if err := json.Unmarshal(line, &asked); err != nil {
				fmt.Fprintln(os.Stderr, "not a question:", err)
				os.Exit(1)
			}
			if err := encoder.Encode(reply(asked)); err != nil {
				fmt.Fprintln(os.Stderr, "cannot encode the answer:", err)
				os.Exit(1)
			}
			out.Flush()
		}
		if err != nil {
			return
		}
	}
}

func reply(asked question) answer {
	var trace bytes.Buffer
	vm := jsonnet.MakeVM()
	vm.SetTraceOut(&trace)
	vm.StringOutput = asked.Kind == "string"
	vm.ErrorFormatter.SetMaxStackTraceSize(asked.MaxTrace)
	if asked.MaxStack > 0 {
		vm.MaxStack = asked.MaxStack
	}
	vm.Importer(&folder{asked.Files, map[string]jsonnet.Contents{}})
	for name, value := range asked.ExtStr {
		vm.ExtVar(name, value)
	}
	for name, value := range asked.ExtCode {
		vm.ExtCode(name, value)
	}
	for name, value := range asked.TlaStr {
		vm.TLAVar(name, value)
	}
	for name, value := range asked.TlaCode {
		vm.TLACode(name, value)
	}
	for _, native := range natives {
		vm.NativeFunction(native)
	}
	output, err := evaluate(vm, asked)
	if err != nil {
		text := err.Error()
		return answer{Error: &text, Trace: trace.String()}
	}
	return answer{Output: output, Trace: trace.String()}
}

func evaluate(vm *jsonnet.VM, asked question) (any, error) {
	switch asked.Kind {
	case "multi":
		return vm.EvaluateAnonymousSnippetMulti(asked.Name, asked.Code)
	case "stream":
		return vm.EvaluateAnonymousSnippetStream(asked.Name, asked.Code)
	default:
		return vm.EvaluateAnonymousSnippet(asked.Name, asked.Code)
	}
}

// The natives that every program may use, also declared in natives.ts.
var natives = []*jsonnet.NativeFunction{
	{
		Name:   "echo",
		Params: ast.Identifiers{"value"},
		Func:   func(args []any) (any, error) { return args[0], nil },
	},
	{
		Name:   "pair",
		Params: ast.Identifiers{"first", "second"},
		Func:   func(args []any) (any, error) { return []any{args[0], args[1]}, nil },
	},
	{
		Name:   "fail",
		Params: ast.Identifiers{"reason"},
		Func:   func(args []any) (any, error) { return nil, errors.New(fmt.Sprint(args[0])) },
	},
}

// folder imports from texts in memory; a path is relative to the file that imports, as the command resolves it.
type folder struct {
	files map[string]string
	found map[string]jsonnet.Contents
}

func (f *folder) Import(from, wanted string) (jsonnet.Contents, string, error) {
	at := wanted
	if !path.IsAbs(wanted) {
		at = path.Join(path.Dir(from), wanted)
	}
	if contents, ok := f.found[at]; ok {
		return contents, at, nil
	}
	text, ok := f.files[at]
	if !ok {
		return jsonnet.Contents{}, "", fmt.Errorf("couldn't open import %q: no match locally or in the Jsonnet library paths", wanted)
	}
	f.found[at] = jsonnet.MakeContents(text)
	return f.found[at], at, nil
}
