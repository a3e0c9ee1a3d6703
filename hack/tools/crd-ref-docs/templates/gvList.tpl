{{- define "gvList" -}}
<!-- Generated from the comments in api/ by `make api-reference`. Do not edit. -->
# API reference
{{ range . }}
{{- template "group" . }}
{{- end }}
{{- end -}}
