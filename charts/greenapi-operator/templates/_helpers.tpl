{{/* The first part of every name. The longest thing that follows it is -controller-manager-metrics, and 63 is the limit. */}}
{{- define "greenapi-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 36 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 36 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 36 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* What the manager's pods are found by. The name does not follow nameOverride: kubectl greenapi doctor looks for it. */}}
{{- define "greenapi-operator.selectorLabels" -}}
app.kubernetes.io/name: greenapi-operator
app.kubernetes.io/instance: {{ .Release.Name }}
control-plane: controller-manager
{{- end }}

{{- define "greenapi-operator.commonLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "greenapi-operator.labels" -}}
app.kubernetes.io/name: greenapi-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{ include "greenapi-operator.commonLabels" . }}
{{- end }}

{{- define "greenapi-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (printf "%s-manager" (include "greenapi-operator.fullname" .)) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* The one who has the manager's roles. */}}
{{- define "greenapi-operator.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "greenapi-operator.serviceAccountName" . }}
    namespace: {{ .Release.Namespace }}
{{- end }}

{{/* The image of the dictionary with image and root. */}}
{{- define "greenapi-operator.image" -}}
{{- if .image.digest }}
{{- printf "%s%s@%s" .image.repository (ternary (printf ":%s" .image.tag) "" (ne .image.tag "")) .image.digest }}
{{- else }}
{{- printf "%s:%s" .image.repository (default .root.Chart.AppVersion .image.tag) }}
{{- end }}
{{- end }}

{{/* The namespaces to look after, as JSON, since that is how a list gets out of here. */}}
{{- define "greenapi-operator.namespaces" -}}
{{- if eq .Values.scope "namespaced" }}
{{- default (list .Release.Namespace) .Values.watchNamespaces | uniq | sortAlpha | toJson }}
{{- else }}
{{- list | toJson }}
{{- end }}
{{- end }}

{{/* The rules of one of the files in files/rbac, which are copies of config/rbac. */}}
{{- define "greenapi-operator.rules" -}}
{{- $file := printf "files/rbac/%s.yaml" .file }}
{{- (.root.Files.Get $file | fromYaml).rules | required (printf "%s has no rules" $file) | toYaml }}
{{- end }}

{{- define "greenapi-operator.emulatorHost" -}}
{{- printf "%s-emulator.%s.svc" (include "greenapi-operator.fullname" .) .Release.Namespace }}
{{- end }}

{{/* Whether metrics are served to those only who may read them. */}}
{{- define "greenapi-operator.metricsAuth" -}}
{{- if and .Values.metrics.enabled .Values.metrics.secure }}true{{ end }}
{{- end }}

{{/* The environment of the manager's container. What extraEnv says of GOMEMLIMIT goes before the memory limit. */}}
{{- define "greenapi-operator.env" -}}
{{- $names := list }}
{{- range .Values.extraEnv }}{{ $names = append $names .name }}{{ end }}
{{- if not (has "POD_NAMESPACE" $names) }}
- name: POD_NAMESPACE
  valueFrom:
    fieldRef: {fieldPath: metadata.namespace, apiVersion: v1}
{{- end }}
{{- $limits := (.Values.resources | default dict).limits | default dict }}
{{- if and $limits.memory (not (has "GOMEMLIMIT" $names)) }}
- name: GOMEMLIMIT
  valueFrom:
    resourceFieldRef: {resource: limits.memory, divisor: "0"}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
