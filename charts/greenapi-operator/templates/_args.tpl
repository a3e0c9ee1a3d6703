{{/* The manager's flags. What is not set is not said, so that the manager's own defaults hold. */}}
{{- define "greenapi-operator.args" -}}
{{- include "greenapi-operator.checks" . }}
{{- $m := .Values.manager }}
{{- $args := list "--leader-elect" }}
{{- with include "greenapi-operator.leaseName" . }}
{{- $args = append $args (printf "--leader-election-id=%s" .) }}
{{- end }}
{{- with include "greenapi-operator.namespaces" . | fromJsonArray }}
{{- $args = append $args (printf "--watch-namespaces=%s" (join "," .)) }}
{{- end }}
{{- if not .Values.metrics.enabled }}
{{- $args = append $args "--metrics-bind-address=0" }}
{{- else }}
{{- if ne (int .Values.metrics.port) 8443 }}
{{- $args = append $args (printf "--metrics-bind-address=:%d" (int .Values.metrics.port)) }}
{{- end }}
{{- if not .Values.metrics.secure }}
{{- $args = append $args "--metrics-secure=false" }}
{{- else if .Values.metrics.certSecretName }}
{{- $args = append $args "--metrics-cert-path=/etc/metrics-cert" }}
{{- end }}
{{- end }}
{{- $hosts := join "," $m.allowedApiHosts }}
{{- $default := $m.defaultApiUrl }}
{{- if .Values.demo.enabled }}
{{- $hosts = include "greenapi-operator.emulatorHost" . }}
{{- $default = printf "http://%s:8090" $hosts }}
{{- $args = append $args "--insecure-api" }}
{{- end }}
{{- range $flag, $value := dict "allowed-api-hosts" $hosts "default-api-url" $default "watch-label-selector" $m.watchLabelSelector
  "secret-label-selector" $m.secretLabelSelector "api-proxy" $m.apiProxy "api-qps" $m.apiQps
  "max-concurrent-reconciles" $m.maxConcurrentReconciles "state-interval" $m.stateInterval "settings-interval" $m.settingsInterval
  "zap-log-level" $m.logLevel }}
{{- with $value }}
{{- $args = append $args (printf "--%s=%v" $flag .) }}
{{- end }}
{{- end }}
{{- /* Its 0 means something. */}}
{{- if not (kindIs "invalid" $m.maxConcurrentRestarts) }}
{{- $args = append $args (printf "--max-concurrent-restarts=%v" $m.maxConcurrentRestarts) }}
{{- end }}
{{- concat $args .Values.extraArgs | toYaml }}
{{- end }}

{{/* Two releases that both look after everything must not work side by side, so they share a lease. Those that look after a
part, and may stand beside others, have one of their own. */}}
{{- define "greenapi-operator.leaseName" -}}
{{- $fullname := include "greenapi-operator.fullname" . }}
{{- $part := or (eq .Values.scope "namespaced") .Values.manager.watchLabelSelector }}
{{- if .Values.leaderElection.id }}
{{- .Values.leaderElection.id }}
{{- else if and $part (ne $fullname "greenapi-operator") }}
{{- printf "%s.greenapi-operator.dev" $fullname }}
{{- end }}
{{- end }}

{{/* What the schema cannot say. */}}
{{- define "greenapi-operator.checks" -}}
{{- if and .Values.watchNamespaces (ne .Values.scope "namespaced") }}
{{- fail "watchNamespaces is for scope: namespaced; set that, or leave watchNamespaces out" }}
{{- end }}
{{- if and .Values.demo.enabled (or .Values.manager.allowedApiHosts .Values.manager.defaultApiUrl .Values.manager.apiProxy) }}
{{- fail "demo.enabled has the manager talk to the emulator only; leave out manager.allowedApiHosts, manager.defaultApiUrl and manager.apiProxy, or the demo" }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled (not .Values.metrics.enabled) }}
{{- fail "serviceMonitor.enabled needs metrics.enabled" }}
{{- end }}
{{- $own := dict "leader-elect" "nothing: it is always on" "leader-election-id" "leaderElection.id" "watch-namespaces" "scope and watchNamespaces"
  "metrics-bind-address" "metrics.enabled and metrics.port" "metrics-secure" "metrics.secure" "metrics-cert-path" "metrics.certSecretName"
  "health-probe-bind-address" "nothing: the probes look at port 8081" }}
{{- range .Values.extraArgs }}
{{- $flag := regexReplaceAll "^--?([^=]*).*$" . "${1}" }}
{{- if hasKey $own $flag }}
{{- fail (printf "extraArgs: --%s is set by the chart; set %s" $flag (get $own $flag)) }}
{{- end }}
{{- end }}
{{- end }}
