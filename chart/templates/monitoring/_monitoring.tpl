{{/* Whom the objects of this folder are about, and what is added to what they ask. */}}

{{/*
The pods of this release, as matchLabels. A release with mode: config has none of its own: it is about all injected ones
of its namespace.
*/}}
{{- define "outrider.podLabels" -}}
{{- if eq .Values.mode "config" -}}
outrider.dev/injected: "true"
{{- else -}}
{{ include "outrider.selectorLabels" . }}
app.kubernetes.io/component: {{ .Values.mode }}
{{- end -}}
{{- end -}}

{{/* What scales and may be evicted: '' for Jobs, CronJobs, DaemonSets and for mode: config. */}}
{{- define "outrider.scaledKind" -}}
{{- if eq .Values.mode "gateway" -}}
{{- ternary "StatefulSet" "Deployment" (eq .Values.spool.volume "claimTemplate") -}}
{{- else if and (eq .Values.mode "workload") (has .Values.workload.kind (list "Deployment" "StatefulSet")) -}}
{{- .Values.workload.kind -}}
{{- end -}}
{{- end -}}

{{- define "outrider.scaledOnly" -}}
{{- if not (include "outrider.scaledKind" .root) -}}
{{- $found := printf "mode: %s" .root.Values.mode -}}
{{- if eq .root.Values.mode "workload" }}{{ $found = printf "workload.kind: %s" .root.Values.workload.kind }}{{ end -}}
{{- fail (printf "%s.enabled is for mode: gateway, or a Deployment or StatefulSet; this is %s" .name $found) -}}
{{- end -}}
{{- end -}}

{{/*
What both monitors ask. The container's name is set, not found: an older Prometheus does not find a native sidecar behind
a Service. workload is what the pods have in common: the name of their Deployment, not of its ReplicaSet.
dict: root, monitor.
*/}}
{{- define "outrider.endpoint" -}}
port: metrics
path: /metrics
{{- with .monitor.interval }}
interval: {{ . }}
{{- end }}
{{- with .monitor.scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
relabelings:
  - {action: replace, targetLabel: container, replacement: outrider}
  - action: replace
    sourceLabels: [__meta_kubernetes_pod_controller_kind, __meta_kubernetes_pod_controller_name]
    regex: (?:ReplicaSet;(.+)-[bcdfghjklmnpqrstvwxz2456789]+|Job;(.+)-[0-9]{8,}|[A-Za-z]+;(.+))
    targetLabel: workload
    replacement: $1$2$3
  {{- with .monitor.relabelings }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .monitor.metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "outrider.validate.monitors" -}}
{{- if and .Values.monitoring.podMonitor.enabled .Values.monitoring.serviceMonitor.enabled -}}
{{- fail "monitoring.podMonitor.enabled and monitoring.serviceMonitor.enabled are both true: every pod would be scraped twice; use one of them" -}}
{{- end -}}
{{- end -}}

{{/* An expression whose metrics have one more matcher. dict: expr, selector. */}}
{{- define "outrider.selected" -}}
{{- $expr := .expr -}}
{{- with .selector -}}
{{- $matcher := replace "$" "$$" . -}}
{{- $metric := `\b(outrider_[a-z_]+|kube_[a-z_]+|up)` -}}
{{- $expr = regexReplaceAll (print $metric `\{`) $expr (printf "${1}{%s," $matcher) -}}
{{- $expr = regexReplaceAll (print $metric `([^{a-z_]|$)`) $expr (printf "${1}{%s}${2}" $matcher) -}}
{{- end -}}
{{- $expr -}}
{{- end -}}
