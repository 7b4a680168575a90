{{/* Names and labels. Everything that is made carries the same ones. */}}

{{- define "outrider.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 52 characters: a CronJob adds 11 of its own, and we add suffixes such as -routes. */}}
{{- define "outrider.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "outrider.selectorLabels" -}}
app.kubernetes.io/name: {{ include "outrider.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "outrider.labels" -}}
{{ include "outrider.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: outrider
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
The metadata of an object. dict: root, name; optional: component, labels, annotations.
*/}}
{{- define "outrider.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- $own := include "outrider.labels" .root | fromYaml }}
  {{- with .component }}{{ $_ := set $own "app.kubernetes.io/component" . }}{{ end }}
  {{- toYaml (mergeOverwrite $own (deepCopy (.labels | default dict))) | nindent 2 }}
{{- with mergeOverwrite (deepCopy (.root.Values.commonAnnotations | default dict)) (deepCopy (.annotations | default dict)) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/*
'' where the pods keep the one that they have: a workload's may carry rights and pull secrets of the application's, so
it gets another only where one is named.
*/}}
{{- define "outrider.serviceAccountName" -}}
{{- if and (eq .Values.mode "workload") (not .Values.serviceAccount.name) -}}
{{- else if .Values.serviceAccount.create -}}
{{- default (include "outrider.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "outrider.configMapName" -}}
{{ include "outrider.fullname" . }}-config
{{- end -}}

{{/* Of the routes: given for one that exists, or that is to outlive its release under another release's name. */}}
{{- define "outrider.routesName" -}}
{{- if eq .Values.routes.ownership "existing" -}}
{{- .Values.routes.existingConfigMap -}}
{{- else -}}
{{- default (printf "%s-routes" (include "outrider.fullname" .)) .Values.routes.configMapName -}}
{{- end -}}
{{- end -}}
