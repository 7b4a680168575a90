{{/* The pod: what the library chart makes of it, and what the values of this chart add. */}}

{{/* Names and mappings with `name`, as a list of mappings. */}}
{{- define "outrider.pullSecrets" -}}
{{- $secrets := list -}}
{{- range concat ((.Values.global | default dict).imagePullSecrets | default list) (.Values.imagePullSecrets | default list) -}}
{{- $secrets = append $secrets (kindIs "string" . | ternary (dict "name" .) .) -}}
{{- end -}}
{{- toYaml ($secrets | uniq) -}}
{{- end -}}

{{/* Volumes for this chart's Secrets, and the mounts of Outrider's container: JSON with `volumes` and `mounts`. */}}
{{- define "outrider.secretVolumes" -}}
{{- $volumes := list -}}
{{- $mounts := list -}}
{{- with .Values.kafka.existingSecret -}}
{{- $volumes = append $volumes (dict "name" "outrider-kafka" "secret" (dict "secretName" .)) -}}
{{- $mounts = append $mounts (dict "name" "outrider-kafka" "mountPath" (include "outrider.kafkaFolder" $) "readOnly" true) -}}
{{- end -}}
{{- with .Values.spool.keySecret.name -}}
{{- $volumes = append $volumes (dict "name" "outrider-spool-key" "secret" (dict "secretName" .)) -}}
{{- $mounts = append $mounts (dict "name" "outrider-spool-key" "mountPath" (include "outrider.spoolKeyFolder" $) "readOnly" true) -}}
{{- end -}}
{{- dict
  "volumes" (concat $volumes (.Values.extraVolumes | default list))
  "mounts" (concat $mounts (.Values.extraVolumeMounts | default list))
  | toJson -}}
{{- end -}}

{{/* The argument of the library chart's templates, as JSON. dict: root, spec. */}}
{{- define "outrider.sidecarOptions" -}}
{{- $values := .root.Values -}}
{{- $sidecar := pick $values.sidecar "inbound" "intercept" "appEnv" "appContainers" "resources" "securityContext" -}}
{{- $extra := dict
  "native" (and (ne $values.mode "gateway") $values.sidecar.native)
  "ports" $values.ports
  "secretName" $values.routes.existingSecret
  "extraArgs" $values.extraArgs
  "extraEnv" $values.extraEnv
  "extraEnvFrom" $values.extraEnvFrom
  "extraVolumeMounts" ((include "outrider.secretVolumes" .root | fromJson).mounts | default list)
-}}
{{- dict
  "configMaps" (list (include "outrider.configMapName" .root) (include "outrider.routesName" .root))
  "image" $values.image
  "sidecar" (merge $extra $sidecar)
  "spool" (dict
    "volume" $values.spool.volume
    "size" $values.spool.size
    "claimName" (default (printf "%s-spool" (include "outrider.fullname" .root)) $values.spool.existingClaim)
    "storageClass" $values.spool.storageClass)
  "spec" .spec
  | toJson -}}
{{- end -}}

{{/* What the values say about pods, under what the spec says itself. dict: root, spec. Gives JSON. */}}
{{- define "outrider.podDefaults" -}}
{{- $values := .root.Values -}}
{{- $spec := deepCopy .spec -}}
{{- range $field := list "tolerations" "affinity" "topologySpreadConstraints" "priorityClassName" -}}
{{- $value := get $values $field -}}
{{- if and $value (not (hasKey $spec $field)) }}{{ $_ := set $spec $field $value }}{{ end -}}
{{- end -}}
{{- with merge (dict) ($spec.nodeSelector | default dict) ($values.nodeSelector | default dict) }}{{ $_ := set $spec "nodeSelector" . }}{{ end -}}
{{- with merge (dict) ($spec.securityContext | default dict) ($values.podSecurityContext | default dict) }}{{ $_ := set $spec "securityContext" . }}{{ end -}}
{{- $account := include "outrider.serviceAccountName" .root -}}
{{- if and $account (not $spec.serviceAccountName) }}{{ $_ := set $spec "serviceAccountName" $account }}{{ end -}}
{{- with concat ($spec.imagePullSecrets | default list) ((include "outrider.pullSecrets" .root | fromYamlArray) | default list) | uniq }}{{ $_ := set $spec "imagePullSecrets" . }}{{ end -}}
{{- with concat ($spec.volumes | default list) ((include "outrider.secretVolumes" .root | fromJson).volumes | default list) }}{{ $_ := set $spec "volumes" . }}{{ end -}}
{{- $spec | toJson -}}
{{- end -}}

{{/*
A claim's root belongs to root: without a group Outrider could not write there. Only where the pod has none, and not
where the cluster gives users and groups itself (runAsUser: null).
*/}}
{{- define "outrider.fsGroup" -}}
{{- $values := .root.Values -}}
{{- $spec := deepCopy .spec -}}
{{- $context := $spec.securityContext | default dict -}}
{{- if and (include "outrider.spool.needsGroup" .root) (not (hasKey $context "fsGroup")) -}}
{{- $_ := set $spec "securityContext" (merge (dict) $context (dict "fsGroup" 10001 "fsGroupChangePolicy" "OnRootMismatch")) -}}
{{- end -}}
{{- $spec | toJson -}}
{{- end -}}

{{/* A PodTemplateSpec with Outrider in it. dict: root, template, component. */}}
{{- define "outrider.podTemplate" -}}
{{- $root := .root -}}
{{- $template := .template | default dict -}}
{{- $spec := include "outrider.podDefaults" (dict "root" $root "spec" ($template.spec | default dict)) | fromJson -}}
{{- $options := include "outrider.sidecarOptions" (dict "root" $root "spec" $spec) | fromJson -}}
{{- $_ := set $options "root" $root -}}
{{- $whole := include "outrider.sidecar.pod" $options | fromYaml -}}
{{- $whole = include "outrider.fsGroup" (dict "root" $root "spec" $whole) | fromJson -}}
{{- $given := $template.metadata | default dict -}}
{{- $labels := merge (dict)
  (include "outrider.selectorLabels" $root | fromYaml)
  (dict "app.kubernetes.io/component" .component)
  ($given.labels | default dict) ($root.Values.podLabels | default dict) ($root.Values.commonLabels | default dict)
-}}
{{- $annotations := merge (dict)
  (dict "outrider.dev/restart-checksum" (include "outrider.restartChecksum" $root))
  ($given.annotations | default dict) ($root.Values.podAnnotations | default dict) ($root.Values.commonAnnotations | default dict)
  (include "outrider.sidecar.annotations" (dict "spec" $spec) | fromYaml)
-}}
{{- $annotations = merge (dict) $annotations (include "outrider.scrapeAnnotations" (dict "root" $root "annotations" $annotations) | fromYaml) -}}
metadata:
  labels:
    {{- toYaml $labels | nindent 4 }}
  annotations:
    {{- toYaml $annotations | nindent 4 }}
spec:
  {{- toYaml $whole | nindent 2 }}
{{- end -}}

{{/* For a Prometheus without its operator; what the application says about its own metrics is not touched. */}}
{{- define "outrider.scrapeAnnotations" -}}
{{- $own := false -}}
{{- range $key, $value := .annotations }}{{ if hasPrefix "prometheus.io/" $key }}{{ $own = true }}{{ end }}{{ end -}}
{{- if and (.root.Values.monitoring | default dict).scrapeAnnotations (not $own) -}}
prometheus.io/scrape: "true"
prometheus.io/port: {{ int .root.Values.ports.metrics | quote }}
prometheus.io/path: /metrics
{{- end -}}
{{- end -}}

{{/* The first port that the template names. */}}
{{- define "outrider.firstPort" -}}
{{- $containers := ((.Values.workload.template | default dict).spec | default dict).containers | default list -}}
{{- with first $containers }}{{ with first (.ports | default list) }}{{ int .containerPort }}{{ end }}{{ end -}}
{{- end -}}

{{/* Where the Service sends to, as a number (a name is not found among init containers before Kubernetes 1.32); '' where there is none. */}}
{{- define "outrider.targetPort" -}}
{{- if eq .Values.mode "gateway" -}}
{{- int .Values.ports.ambassador -}}
{{- else if .Values.sidecar.inbound.port -}}
{{- int .Values.sidecar.inbound.port -}}
{{- else if .Values.service.targetPort -}}
{{- int .Values.service.targetPort -}}
{{- else -}}
{{- include "outrider.firstPort" . -}}
{{- end -}}
{{- end -}}

{{/* Whether there is a Service: nothing serves in a job, or where no port is known. */}}
{{- define "outrider.hasService" -}}
{{- $serves := or (eq .Values.mode "gateway") (and (eq .Values.mode "workload") (not (has .Values.workload.kind (list "Job" "CronJob")))) -}}
{{- if and .Values.service.enabled $serves (include "outrider.targetPort" .) -}}true{{- end -}}
{{- end -}}

{{/* Whether an autoscaler sets the number of pods: then the chart doesn't, or each upgrade would put it back. */}}
{{- define "outrider.autoscaled" -}}
{{- if (.Values.autoscaling | default dict).enabled -}}true{{- end -}}
{{- end -}}
