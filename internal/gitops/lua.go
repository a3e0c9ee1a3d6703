// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

// Package gitops sees resources as GitOps tools see them: it runs health checks and actions as Argo CD does, and computes
// the status as Flux does. It is there for tests.
package gitops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	luajson "layeh.com/gopher-json"
)

// scriptTime is how long Argo CD lets a script run.
const scriptTime = time.Second

// compiled holds the scripts that ran, by their text.
var compiled sync.Map

func compile(script string) (*lua.FunctionProto, error) {
	if proto, ok := compiled.Load(script); ok {
		return proto.(*lua.FunctionProto), nil
	}
	chunk, err := parse.Parse(strings.NewReader(script), "script")
	if err != nil {
		return nil, err
	}
	proto, err := lua.Compile(chunk, "script")
	if err == nil {
		compiled.Store(script, proto)
	}
	return proto, err
}

// libraries are those that a script has.
var libraries = []struct {
	name string
	open lua.LGFunction
}{{lua.LoadLibName, lua.OpenPackage}, {lua.BaseLibName, lua.OpenBase}, {lua.TabLibName, lua.OpenTable}, {lua.OsLibName, openSafeOS}}

// run runs a script the way Argo CD runs one of argocd-cm: with the basic functions, package and table, with os as a module
// that has to be required and knows only date and time, and without string, math, io and the rest. The resource is
// the global obj. The script has to return a table, which is returned as JSON.
func run(script string, obj *unstructured.Unstructured) ([]byte, error) {
	proto, err := compile(script)
	if err != nil {
		return nil, err
	}
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, library := range libraries {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(library.open), Protect: true}, lua.LString(library.name)); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), scriptTime)
	defer cancel()
	state.SetContext(ctx)
	state.SetGlobal("actionParams", state.NewTable())
	state.SetGlobal("obj", luajson.DecodeValue(state, numbers(obj.Object)))
	state.Push(state.NewFunctionFromProto(proto))
	if err := state.PCall(0, lua.MultRet, nil); err != nil {
		return nil, err
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("the script returned a %s, and Argo CD wants a table", state.Get(-1).Type())
	}
	return luajson.Encode(table)
}

// openSafeOS makes the module os of Argo CD's scripts, which has to be required.
func openSafeOS(state *lua.LState) int {
	lua.OpenOs(state)
	all := state.CheckTable(-1)
	// OpenOs makes a global of the whole module too, and has it loaded already.
	state.SetGlobal(lua.OsLibName, lua.LNil)
	state.SetField(state.GetField(state.GetGlobal(lua.LoadLibName), "loaded"), lua.OsLibName, lua.LNil)
	state.PreloadModule(lua.OsLibName, func(state *lua.LState) int {
		module := state.NewTable()
		for _, name := range []string{"date", "time"} {
			module.RawSetString(name, all.RawGetString(name))
		}
		state.Push(module)
		return 1
	})
	return 0
}

// numbers returns a value with floats for all numbers, as the decoder knows no others.
func numbers(value any) any {
	switch value := value.(type) {
	case int64:
		return float64(value)
	case []any:
		list := make([]any, len(value))
		for i, entry := range value {
			list[i] = numbers(entry)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(value))
		for key, entry := range value {
			object[key] = numbers(entry)
		}
		return object
	}
	return value
}

// Words of Argo CD for the health of a resource.
const (
	Healthy     = "Healthy"
	Progressing = "Progressing"
	Degraded    = "Degraded"
	Suspended   = "Suspended"
)

// Health is what a health check of Argo CD says.
type Health struct {
	Status  string `json:"status"`
	Message string `json:"message,omitempty"`
}

// CheckHealth runs a health check over a resource. A word that Argo CD does not know, or none of those that say
// something, is an error, and so is an empty message.
func CheckHealth(script string, obj *unstructured.Unstructured) (Health, error) {
	text, err := run(script, obj)
	if err != nil {
		return Health{}, err
	}
	var health Health
	if err := json.Unmarshal(text, &health); err != nil {
		return Health{}, err
	}
	if !slices.Contains([]string{Healthy, Progressing, Degraded, Suspended}, health.Status) || health.Message == "" {
		return health, fmt.Errorf("the health check says %+v", health)
	}
	return health, nil
}

// OfferedAction is an action as discovery offers it.
type OfferedAction struct {
	Name        string `json:"name,omitempty"`
	Disabled    bool   `json:"disabled,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
	IconClass   string `json:"iconClass,omitempty"`
}

// Discover runs a discovery script over a resource, and returns the actions in the order of their names.
func Discover(script string, obj *unstructured.Unstructured) ([]OfferedAction, error) {
	text, err := run(script, obj)
	if err != nil {
		return nil, err
	}
	byName := map[string]OfferedAction{}
	if err := json.Unmarshal(text, &byName); err != nil {
		return nil, err
	}
	var list []OfferedAction
	for name, action := range byName {
		action.Name = name
		list = append(list, action)
	}
	slices.SortFunc(list, func(a, b OfferedAction) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Act runs an action over a resource, which stays as it is, and returns what the resource is to become.
func Act(script string, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	text, err := run(script, obj)
	if err != nil {
		return nil, err
	}
	made := &unstructured.Unstructured{}
	if err := made.UnmarshalJSON(text); err != nil {
		return nil, err
	}
	restored, ok := restoreEmpty(made.Object, obj.Object).(map[string]any)
	if !ok {
		return nil, errors.New("the action did not return an object")
	}
	made.Object = restored
	return made, nil
}

// restoreEmpty makes an empty list an empty object again where the resource had an object: Lua has one kind of table for
// both, and Argo CD does the same.
func restoreEmpty(made, before any) any {
	switch made := made.(type) {
	case []any:
		if object, ok := before.(map[string]any); ok && len(made) == 0 {
			return object
		}
		list, _ := before.([]any)
		for i := range min(len(made), len(list)) {
			made[i] = restoreEmpty(made[i], list[i])
		}
	case map[string]any:
		object, _ := before.(map[string]any)
		for key := range made {
			made[key] = restoreEmpty(made[key], object[key])
		}
	}
	return made
}
