{{- define "type" }}
### {{ .Name }}

{{ .Doc }}
{{- $used := list }}
{{- range .SortedReferences }}{{ if not (has .Name (list "InstanceSpec" "CommonSettings")) }}{{ $used = append $used (markdownRenderTypeLink .) }}{{ end }}{{ end }}
{{- if $used }}

Used in {{ join ", " $used }}.
{{- end }}
{{- if .Members }}

| field | type | what it is |
|---|---|---|
{{- if .GVK }}
| `apiVersion` | string | `{{ .GVK.Group }}/{{ .GVK.Version }}` |
| `kind` | string | `{{ .GVK.Kind }}` |
{{- end }}
{{- range .Members }}{{ if not (has .Name (list "apiVersion" "kind")) }}
| `{{ .Name }}` | {{ regexReplaceAll "\\[(Duration|Time|MicroTime|ObjectMeta)\\]\\([^)]*\\)" (markdownRenderType .Type) "${1}" }} | {{ template "field" . }} |
{{- end }}{{ end }}
{{- end }}
{{- if .EnumValues }}

| value | meaning |
|---|---|
{{- range .EnumValues }}
{{- $doc := trim (regexReplaceAll "^[A-Z][A-Za-z]+ (means: )?" (replace "\n" " " .Doc) "") }}
| `{{ .Name }}` | {{ upper (substr 0 1 $doc) }}{{ markdownRenderFieldDoc (substr 1 -1 $doc) }} |
{{- end }}
{{- else }}
{{- range .Validation }}{{ if hasPrefix "Enum: " . }}

One of `{{ join "`, `" (splitList " " (trimAll "[]" (trimPrefix "Enum: " .))) }}`.
{{- end }}{{ end }}
{{- end }}
{{ end -}}
