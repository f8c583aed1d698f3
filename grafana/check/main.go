// Reads a dashboard by the types that Grafana makes of its schema: a field that they do not have, or of another type, is an error.
package main

import (
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	if len(os.Args) != 2 {
		fail("which dashboard?")
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		fail(err.Error())
	}
	// Panels and queries are read by their own types, too.
	plugins.RegisterDefaultPlugins()
	var read dashboard.Dashboard
	for _, err := range []error{read.UnmarshalJSONStrict(text), read.Validate()} {
		// Where nothing is wrong it is an empty list of errors, which is not nil.
		if err != nil && err.Error() != "" {
			fail(err.Error())
		}
	}
	fmt.Printf("%s: %d panels are as the schema has them\n", os.Args[1], len(read.Panels))
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(1)
}
