// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command argocdhealth runs a health check as Argo CD does: obj is a global, only the basic library is available, and the
// result is a table. It reads the object from standard input, and prints its health, both as JSON.
//
//	argocdhealth SCRIPT <OBJECT.json
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// timeout ends a script that loops.
const timeout = time.Minute

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: argocdhealth SCRIPT <OBJECT.json")
		os.Exit(2)
	}

	if err := run(os.Args[1], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "argocdhealth:", err)
		os.Exit(1)
	}
}

func run(script string, in io.Reader, out io.Writer) error {
	var object map[string]any
	if err := json.NewDecoder(in).Decode(&object); err != nil {
		return fmt.Errorf("read the object: %w", err)
	}

	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()

	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()

	state.SetContext(ctx)

	open := lua.P{
		Fn:      state.NewFunction(lua.OpenBase),
		Protect: true,
	}
	if err := state.CallByParam(open, lua.LString(lua.BaseLibName)); err != nil {
		return fmt.Errorf("open the basic library: %w", err)
	}

	state.SetGlobal("obj", value(state, object))

	if err := state.DoString(script); err != nil {
		return fmt.Errorf("run the script: %w", err)
	}

	result, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return errors.New("the script returned no table")
	}

	return json.NewEncoder(out).Encode(map[string]string{
		"status":  lua.LVAsString(result.RawGetString("status")),
		"message": lua.LVAsString(result.RawGetString("message")),
	})
}

// value returns a value of JSON as one of Lua.
func value(state *lua.LState, plain any) lua.LValue {
	switch v := plain.(type) {
	case string:
		return lua.LString(v)
	case bool:
		return lua.LBool(v)
	case float64:
		return lua.LNumber(v)
	case []any:
		table := state.NewTable()
		for _, element := range v {
			table.Append(value(state, element))
		}

		return table
	case map[string]any:
		table := state.NewTable()
		for name, element := range v {
			table.RawSetString(name, value(state, element))
		}

		return table
	default:
		return lua.LNil
	}
}
