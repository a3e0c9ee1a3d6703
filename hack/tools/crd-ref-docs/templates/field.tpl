{{- define "field" -}}
{{- if eq .Name "metadata" -}}
Name, namespace, labels and so on, as of every resource of Kubernetes.
{{- else -}}
{{- if has "Required: {}" .Validation }}*Required.* {{ end -}}
{{ markdownRenderFieldDoc (replace "\n" " " .Doc) }}
{{- $limits := list -}}
{{- range .Validation -}}
{{- $words := splitList ": " . -}}
{{- $value := last $words -}}
{{- if eq (first $words) "Minimum" }}{{ $limits = append $limits (printf "at least %.0f" (float64 $value)) }}
{{- else if eq (first $words) "Maximum" }}{{ $limits = append $limits (printf "at most %.0f" (float64 $value)) }}
{{- else if eq (first $words) "MaxLength" }}{{ $limits = append $limits (printf "at most %s characters" $value) }}
{{- else if eq (first $words) "MaxItems" }}{{ $limits = append $limits (printf "at most %s entries" $value) }}
{{- else if eq (first $words) "items:MaxLength" }}{{ $limits = append $limits (printf "each at most %s characters" $value) }}
{{- else if eq . "MinLength: 1" }}{{ $limits = append $limits "not empty" }}
{{- else if not (has (first $words) (list "Required" "Optional" "Type" "Enum")) }}{{ $limits = append $limits . }}
{{- end -}}
{{- end -}}
{{- with $limits }} ({{ join ", " . }}){{ end -}}
{{- $errors := list -}}
{{- range index .Markers "kubebuilder:validation:XValidation" }}{{ $errors = append $errors (printf "\"%s\"" (replace "<" "&lt;" (markdownRenderFieldDoc .Message))) }}{{ end -}}
{{- with $errors }} Errors: {{ join ", " . }}.{{ end -}}
{{- end -}}
{{- end -}}
