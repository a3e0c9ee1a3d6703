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
{{- if .Values.partnerAccounts.enabled }}
{{- $args = append $args "--partner-accounts" }}
{{- end }}
{{- $hosts := join "," $m.allowedApiHosts }}
{{- $default := $m.defaultApiUrl }}
{{- if .Values.demo.enabled }}
{{- $hosts = include "greenapi-operator.emulatorHost" . }}
{{- $default = printf "http://%s:8090" $hosts }}
{{- $args = append $args "--insecure-api" }}
{{- end }}
{{- range $flag, $value := dict "allowed-api-hosts" $hosts "default-api-url" $default "watch-label-selector" $m.watchLabelSelector
  "shard-ring" $m.shardRing "secret-label-selector" $m.secretLabelSelector "webhook-secret-label-selector" $m.webhookSecretLabelSelector "api-proxy" $m.apiProxy "api-qps" $m.apiQps
  "account-details" $m.accountDetails
  "max-concurrent-reconciles" $m.maxConcurrentReconciles "state-interval" $m.stateInterval "settings-interval" $m.settingsInterval
  "fleet-label" $m.fleetLabel "brake-after" $m.brakeAfter "restart-soak" $m.restartSoak
  "zap-log-level" $m.logLevel }}
{{- with $value }}
{{- $args = append $args (printf "--%s=%v" $flag .) }}
{{- end }}
{{- end }}
{{- /* Their 0 means something. */}}
{{- range $flag, $value := dict "max-concurrent-restarts" $m.maxConcurrentRestarts "restart-slow-start" $m.restartSlowStart }}
{{- if not (kindIs "invalid" $value) }}
{{- $args = append $args (printf "--%s=%v" $flag $value) }}
{{- end }}
{{- end }}
{{- concat $args .Values.extraArgs | toYaml }}
{{- end }}

{{/* Two releases that both look after everything must not work side by side, so they share a lease. Those that look after a
part, and may stand beside others, have one of their own. In a ring each replica has a lease of its own. */}}
{{- define "greenapi-operator.leaseName" -}}
{{- $fullname := include "greenapi-operator.fullname" . }}
{{- $part := or (eq .Values.scope "namespaced") .Values.manager.watchLabelSelector }}
{{- if .Values.manager.shardRing }}
{{- else if .Values.leaderElection.id }}
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
{{- if and .Values.manager.shardRing .Values.leaderElection.id }}
{{- fail "leaderElection.id: with manager.shardRing each replica has a lease of its own name; leave leaderElection.id out" }}
{{- end }}
{{- if and .Values.partnerAccounts.enabled .Values.manager.shardRing }}
{{- fail "partnerAccounts.enabled: with manager.shardRing every shard would look after every account; install one more release without it for the accounts" }}
{{- end }}
{{- if and .Values.demo.enabled (or .Values.manager.allowedApiHosts .Values.manager.defaultApiUrl .Values.manager.apiProxy) }}
{{- fail "demo.enabled has the manager talk to the emulator only; leave out manager.allowedApiHosts, manager.defaultApiUrl and manager.apiProxy, or the demo" }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled (not .Values.metrics.enabled) }}
{{- fail "serviceMonitor.enabled needs metrics.enabled" }}
{{- end }}
{{- if and .Values.metrics.enabled (eq (int .Values.metrics.port) 8081) }}
{{- fail "metrics.port: the probes have 8081; set another port, such as 8443" }}
{{- end }}
{{- if and .Values.metrics.certSecretName (not (include "greenapi-operator.metricsAuth" .)) }}
{{- fail "metrics.certSecretName needs metrics.enabled and metrics.secure; set both to true, or leave metrics.certSecretName out" }}
{{- end }}
{{- if .Values.metrics.readers }}
{{- if not (include "greenapi-operator.metricsAuth" .) }}
{{- fail "metrics.readers needs metrics.enabled and metrics.secure; set both to true, or leave metrics.readers out" }}
{{- else if not (and .Values.rbac.create .Values.rbac.userRoles) }}
{{- fail "metrics.readers needs rbac.create and rbac.userRoles; set both to true, or leave metrics.readers out and give the right to get /metrics yourself" }}
{{- end }}
{{- end }}
{{- with .Values.podDisruptionBudget }}
{{- if not (or (kindIs "invalid" .minAvailable) (kindIs "invalid" .maxUnavailable)) }}
{{- fail "podDisruptionBudget takes minAvailable or maxUnavailable, not both; leave one of them out" }}
{{- end }}
{{- end }}
{{- include "greenapi-operator.labelChecks" . }}
{{- include "greenapi-operator.flagChecks" . }}
{{- end }}

{{/* A label that the chart sets already would be in an object twice. */}}
{{- define "greenapi-operator.labelChecks" -}}
{{- $pods := list "app.kubernetes.io/name" "app.kubernetes.io/instance" "control-plane" }}
{{- $all := concat $pods (list "app.kubernetes.io/version" "app.kubernetes.io/managed-by" "helm.sh/chart") }}
{{- range $key, $_ := .Values.commonLabels }}
{{- if has $key $all }}
{{- fail (printf "commonLabels: the label %s is set by the chart; leave it out" $key) }}
{{- end }}
{{- end }}
{{- range $key, $_ := .Values.podLabels }}
{{- if has $key $pods }}
{{- fail (printf "podLabels: the label %s is set by the chart; leave it out" $key) }}
{{- end }}
{{- end }}
{{- $places := dict "serviceMonitor.labels" .Values.serviceMonitor.labels "prometheusRule.labels" .Values.prometheusRule.labels
  "grafana.dashboard.labels" .Values.grafana.dashboard.labels }}
{{- range $place, $labels := $places }}
{{- range $key, $_ := $labels }}
{{- if has $key $all }}
{{- fail (printf "%s: the label %s is set by the chart; leave it out" $place $key) }}
{{- else if hasKey $.Values.commonLabels $key }}
{{- fail (printf "%s: the label %s is in commonLabels too; leave it out of one of them" $place $key) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* A flag that is said twice would have the last one hold, against the value that people look at. */}}
{{- define "greenapi-operator.flagChecks" -}}
{{- $values := dict "leader-election-id" "leaderElection.id" "watch-namespaces" "scope and watchNamespaces"
  "metrics-bind-address" "metrics.enabled and metrics.port" "metrics-secure" "metrics.secure" "metrics-cert-path" "metrics.certSecretName"
  "allowed-api-hosts" "manager.allowedApiHosts" "default-api-url" "manager.defaultApiUrl" "api-proxy" "manager.apiProxy" "api-qps" "manager.apiQps"
  "watch-label-selector" "manager.watchLabelSelector" "shard-ring" "manager.shardRing" "secret-label-selector" "manager.secretLabelSelector" "webhook-secret-label-selector" "manager.webhookSecretLabelSelector" "account-details" "manager.accountDetails"
  "max-concurrent-reconciles" "manager.maxConcurrentReconciles" "max-concurrent-restarts" "manager.maxConcurrentRestarts"
  "fleet-label" "manager.fleetLabel" "restart-slow-start" "manager.restartSlowStart" "brake-after" "manager.brakeAfter" "restart-soak" "manager.restartSoak"
  "state-interval" "manager.stateInterval" "settings-interval" "manager.settingsInterval" "zap-log-level" "manager.logLevel"
  "partner-accounts" "partnerAccounts.enabled" }}
{{- $fixed := dict "leader-elect" "it is always on" "health-probe-bind-address" "the probes look at port 8081"
  "shard-name" "each replica has its pod's name" }}
{{- if .Values.demo.enabled }}
{{- $_ := set $fixed "insecure-api" "it comes with demo.enabled" }}
{{- end }}
{{- range .Values.extraArgs }}
{{- $flag := regexReplaceAll "^--?([^=]*).*$" . "${1}" }}
{{- if hasKey $values $flag }}
{{- fail (printf "extraArgs: --%s is set by the chart; set %s instead" $flag (get $values $flag)) }}
{{- else if hasKey $fixed $flag }}
{{- fail (printf "extraArgs: --%s is set by the chart; leave it out: %s" $flag (get $fixed $flag)) }}
{{- end }}
{{- end }}
{{- end }}
