{{- /* Names and labels of the injector. */ -}}

{{- define "outrider.injector.on" -}}
{{- if or .Values.injector.enabled (eq .Values.mode "injector") }}true{{ end -}}
{{- end -}}

{{- define "outrider.injector.name" -}}
{{ include "outrider.fullname" . }}-injector
{{- end -}}

{{- /* Cluster-wide: with the namespace, so that two installations don't meet. */ -}}
{{- define "outrider.injector.clusterName" -}}
{{ printf "%s-%s" .Release.Namespace (include "outrider.injector.name" .) | trunc 253 | trimSuffix "-" }}
{{- end -}}

{{- define "outrider.injector.secretName" -}}
{{ include "outrider.injector.name" . }}-certificates
{{- end -}}

{{- define "outrider.injector.selector" -}}
{{ include "outrider.selectorLabels" . }}
app.kubernetes.io/component: injector
{{- end -}}

{{- /* What the API server calls; the injector sets caBundle itself, so it is no field of ours. */ -}}
{{- define "outrider.injector.clientConfig" -}}
service:
  name: {{ include "outrider.injector.name" .root }}
  namespace: {{ .root.Release.Namespace }}
  path: {{ .path }}
  port: 443
{{- end -}}

{{- /* Only what cert-manager does needs a word on the webhook configurations. */ -}}
{{- define "outrider.injector.caAnnotations" -}}
{{- if eq .Values.injector.certificates "certManager" -}}
cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "outrider.injector.secretName" . }}
{{- end -}}
{{- end -}}

{{- define "outrider.injector.validate" -}}
{{- $injector := .Values.injector -}}
{{- if not (has $injector.certificates (list "self" "certManager")) -}}
{{- fail (printf "injector.certificates is %q; allowed: self, certManager" (toString $injector.certificates)) -}}
{{- end -}}
{{- if and (eq $injector.certificates "certManager") (not ($injector.issuerRef | default dict).name) -}}
{{- fail "injector.issuerRef.name is empty: with injector.certificates: certManager it names the Issuer" -}}
{{- end -}}
{{- end -}}
