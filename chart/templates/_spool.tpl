{{/* Volumes for the spool. */}}

{{- define "outrider.claimSpec" -}}
accessModes: [{{ .Values.spool.accessMode }}]
{{- with .Values.spool.storageClass }}
storageClassName: {{ . | quote }}
{{- end }}
resources:
  requests:
    storage: {{ include "outrider.sidecar.volumeSize" .Values.spool.size }}
{{- end -}}

{{/* An item of a StatefulSet's volumeClaimTemplates. */}}
{{- define "outrider.claimTemplate" -}}
metadata:
  name: {{ (include "outrider.sidecar.constants" . | fromJson).volumes.spool }}
spec:
  {{- include "outrider.claimSpec" . | nindent 2 }}
{{- end -}}

{{/* A claim's root belongs to root, unless the cluster gives users and groups itself (runAsUser: null). */}}
{{- define "outrider.spool.needsGroup" -}}
{{- if and (has .Values.spool.volume (list "claim" "claimTemplate" "ephemeral")) (.Values.sidecar.securityContext | default dict).runAsUser -}}true{{- end -}}
{{- end -}}

{{/* One volume that only one node can mount: the new pod would wait for the old one, which waits for the new one. */}}
{{- define "outrider.oneAtATime" -}}
{{- if and (eq .Values.spool.volume "claim") (ne .Values.spool.accessMode "ReadWriteMany") -}}true{{- end -}}
{{- end -}}

{{/*
Of a Deployment. What Kubernetes would fill in is written out: with Helm 4 only a field that the chart has set goes away
again, and Recreate is refused beside rollingUpdate.
*/}}
{{- define "outrider.strategy" -}}
{{- if include "outrider.oneAtATime" . -}}
type: Recreate
{{- else -}}
type: RollingUpdate
rollingUpdate: {maxSurge: 25%, maxUnavailable: 25%}
{{- end -}}
{{- end -}}
