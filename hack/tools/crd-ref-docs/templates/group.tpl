{{- define "group" }}
Every field of the group and version `{{ .GroupVersionString }}`. How to use them is on the pages of
[WhatsAppInstance](whatsappinstance.md), [MaxInstance](maxinstance.md), [TelegramInstance](telegraminstance.md),
[PartnerAccount](partneraccount.md) and [InstanceClaim](instanceclaim.md); what a reason of a condition means is in [Troubleshooting](troubleshooting.md).

A field that is not marked *required* may be left out. Nothing in a spec has a default in the schema: what is not set stays
not set, and a setting that is not set is not managed.

## Kinds
{{ range .SortedKinds }}{{ $kind := $.TypeForKind . }}
- {{ markdownRenderTypeLink $kind }}: its [spec](#{{ lower $kind.Name }}spec), {{ if hasSuffix "Instance" $kind.Name }}and the [status](#instancestatus) that all kinds of instances share{{ else }}and its [status](#{{ lower $kind.Name }}status){{ end }}
{{- end }}
{{ range .SortedKinds }}{{ template "type" ($.TypeForKind .) }}{{ end }}
## Types
{{ range .SortedTypes }}
{{- if and (not .GVK) (not (has .Name (list "InstanceSpec" "CommonSettings"))) (markdownShouldRenderType .) }}{{ template "type" . }}{{ end }}
{{- end }}
{{- end -}}
