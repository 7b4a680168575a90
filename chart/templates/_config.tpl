{{/* outrider.yaml: what the values stand for, and over it the map `config`. */}}

{{/* The process configuration as YAML. */}}
{{- define "outrider.process" -}}
{{- $config := deepCopy (.Values.config | default dict) -}}
{{- $spool := include "outrider.process.spool" . | fromYaml -}}
{{- $base := dict
  "apiVersion" "outrider.dev/v1"
  "metrics" (dict "address" (printf "*:%d" (int .Values.ports.metrics)))
  "admin" (dict "address" (printf "localhost:%d" (int .Values.ports.admin)))
  "shutdown" (dict "mode" (ternary "native" "drain" (and (ne .Values.mode "gateway") .Values.sidecar.native)))
  "spool" $spool
-}}
{{- $kafka := include "outrider.process.kafka" . | fromYaml -}}
{{- if $kafka }}{{ $_ := set $base "kafka" $kafka }}{{ end -}}
{{- with .Values.sidecar.intercept.hosts }}{{ $_ := set $base "intercept" (dict "hosts" .) }}{{ end -}}
{{- $merged := mergeOverwrite $base (omit $config "listeners") -}}
{{- $_ := set $merged "listeners" (include "outrider.process.listeners" . | fromYamlArray) -}}
{{- toYaml $merged -}}
{{- end -}}

{{/* What a change of needs a restart: pods roll for these, and take every other edit as it comes. */}}
{{- define "outrider.restartChecksum" -}}
{{- $process := include "outrider.process" . | fromYaml -}}
{{- pick $process "listeners" "metrics" "admin" "shutdown" | toJson | sha256sum | trunc 16 -}}
{{- end -}}

{{/* The chart's listeners; an entry of `config.listeners` changes the one of its name, or is one more. */}}
{{- define "outrider.process.listeners" -}}
{{- $host := ternary "*" "localhost" (eq .Values.mode "gateway") -}}
{{- $listeners := list (dict "name" "ambassador" "address" (printf "%s:%d" $host (int .Values.ports.ambassador))) -}}
{{- if and (eq .Values.mode "gateway") .Values.gateway.auth -}}
{{- $_ := set (first $listeners) "auth" .Values.gateway.auth -}}
{{- end -}}
{{- with .Values.sidecar.inbound }}{{ if .port -}}
{{- /* It was open to others before, by the application itself. */ -}}
{{- $listeners = append $listeners (dict "name" "inbound" "address" (printf "*:%d" (int .port)) "auth" "none" "target" (printf "http://localhost:%d" (int .appPort))) -}}
{{- end }}{{ end -}}
{{- if .Values.sidecar.intercept.hosts -}}
{{- $listeners = append $listeners (dict "name" "intercept" "address" "localhost:80") -}}
{{- end -}}
{{- range $own := (.Values.config | default dict).listeners -}}
{{- $rest := list -}}
{{- $found := false -}}
{{- range $listeners -}}
{{- if eq .name (toString $own.name) -}}
{{- $found = true -}}
{{- $rest = append $rest (mergeOverwrite (deepCopy .) (deepCopy $own)) -}}
{{- else -}}
{{- $rest = append $rest . -}}
{{- end -}}
{{- end -}}
{{- $listeners = ternary $rest (append $rest $own) $found -}}
{{- end -}}
{{- toYaml $listeners -}}
{{- end -}}

{{- define "outrider.process.spool" -}}
{{- if eq .Values.spool.volume "none" -}}
enabled: false
{{- else -}}
path: {{ include "outrider.spoolFolder" . }}
size: {{ .Values.spool.size | quote }}
{{- if .Values.spool.keySecret.name }}
keyFile: {{ printf "%s/%s" (include "outrider.spoolKeyFolder" .) .Values.spool.keySecret.key | quote }}
{{- end }}
{{- end -}}
{{- end -}}

{{- define "outrider.process.kafka" -}}
{{- $kafka := .Values.kafka -}}
{{- $folder := include "outrider.kafkaFolder" . -}}
{{- if $kafka.brokers }}
brokers: {{- kindIs "string" $kafka.brokers | ternary (splitList "," (toString $kafka.brokers)) $kafka.brokers | toYaml | nindent 2 }}
topic: {{ $kafka.topic | quote }}
{{- if $kafka.tls.enabled }}
tls:
  enabled: true
  {{- with $kafka.tls.caKey }}
  ca: {{ printf "%s/%s" $folder . | quote }}
  {{- end }}
  {{- with $kafka.tls.certKey }}
  cert: {{ printf "%s/%s" $folder . | quote }}
  {{- end }}
  {{- with $kafka.tls.keyKey }}
  key: {{ printf "%s/%s" $folder . | quote }}
  {{- end }}
{{- end }}
{{- if $kafka.sasl.mechanism }}
sasl:
  mechanism: {{ $kafka.sasl.mechanism | quote }}
  username: {{ $kafka.sasl.username | quote }}
  passwordFile: {{ printf "%s/%s" $folder $kafka.sasl.passwordKey | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "outrider.spoolFolder" -}}/var/lib/outrider/spool{{- end -}}
{{- define "outrider.spoolKeyFolder" -}}/var/run/secrets/outrider-spool{{- end -}}
{{- define "outrider.kafkaFolder" -}}/var/run/secrets/outrider-kafka{{- end -}}

{{/*
The routes as they are written into a ConfigMap: no line ends in a space, because `kubectl edit` would then show the
whole file as one line of text.
*/}}
{{- define "outrider.routesText" -}}
{{- regexReplaceAllLiteral "[ \t\r]+\n" (printf "%s\n" .Values.routes.content) "\n" | trim -}}
{{- end -}}
