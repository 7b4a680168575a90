{{- /*
The sidecar, for any chart. Each template takes one dict:

  root        $, for .Chart and .Values.global
  configMaps  names: one (its routes.yaml, and its outrider.yaml if it has one), or two (outrider.yaml of the first,
              routes.yaml of the second)
  image       {registry, repository, tag, digest, pullPolicy}; all but nothing is needed: the default is this version
  sidecar     {native: true, inbound: {port, appPort}, intercept: {hosts: []}, appEnv: none | httpProxy | baseUrl,
              appContainers: [], ports: {ambassador, metrics, admin}, resources, securityContext, secretName, extraArgs,
              extraEnv, extraEnvFrom, extraVolumeMounts}
  spool       {volume: emptyDir | claim | ephemeral | claimTemplate | none, size: 256Mi, claimName, storageClass}
  spec        the pod's spec, as it is without the sidecar

A whole pod is one line:

  spec: {{- include "outrider.sidecar.pod" (dict "root" $ "configMaps" (list "acme") "spec" .Values.pod) | nindent 4 }}

With one ConfigMap that has no outrider.yaml, the pod needs the annotation that `outrider.sidecar.annotations` renders.
*/ -}}

{{- /* A quantity as a number: bytes, or cores. */ -}}
{{- define "outrider.sidecar.quantity" -}}
{{- $text := toString . | trim -}}
{{- $units := dict "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 -}}
{{- $unit := regexFind "[A-Za-z]+$" $text -}}
{{- if hasKey $units $unit -}}
{{- mulf (float64 (trimSuffix $unit $text)) (get $units $unit) -}}
{{- else -}}
{{- float64 $text -}}
{{- end -}}
{{- end -}}

{{- /* The size of a volume for a spool's quota: half as much again, and what SQLite's files need at once. */ -}}
{{- define "outrider.sidecar.volumeSize" -}}
{{- $bytes := float64 (include "outrider.sidecar.quantity" .) -}}
{{- printf "%dMi" (add (ceil (divf (mulf $bytes 1.5) 1048576.0) | int64) 64) -}}
{{- end -}}

{{- /* All options, defaults filled in, as JSON. */ -}}
{{- define "outrider.sidecar.options" -}}
{{- $constants := include "outrider.sidecar.constants" . | fromJson -}}
{{- $root := required "outrider.sidecar: root is needed: pass $" .root -}}
{{- $sidecar := .sidecar | default dict -}}
{{- $image := .image | default dict -}}
{{- $spool := .spool | default dict -}}
{{- $spec := .spec | default dict -}}
{{- $global := ($root.Values | default dict).global | default dict -}}
{{- $registry := $global.imageRegistry | default $image.registry -}}
{{- $version := $constants.version -}}
{{- with $root.Chart -}}{{- if hasPrefix "outrider" .Name -}}{{- $version = .AppVersion -}}{{- end -}}{{- end -}}
{{- $name := $image.repository | default $constants.repository -}}
{{- if $registry -}}{{- $name = printf "%s/%s" (trimSuffix "/" $registry) $name -}}{{- end -}}
{{- if $image.digest -}}{{- $name = printf "%s@%s" $name $image.digest -}}
{{- else -}}{{- $name = printf "%s:%s" $name (toString ($image.tag | default $version)) -}}{{- end -}}
{{- $native := true -}}
{{- if hasKey $sidecar "native" -}}{{- $native = $sidecar.native -}}{{- end -}}
{{- $inbound := $sidecar.inbound | default dict -}}
{{- $intercept := $sidecar.intercept | default dict -}}
{{- $hideToken := not (eq (toString $spec.automountServiceAccountToken) "false") -}}
{{- dict
  "image" $name
  "pullPolicy" ($image.pullPolicy | default "IfNotPresent")
  "native" $native
  "configMaps" (required "outrider.sidecar: configMaps is needed: the names of one or two ConfigMaps" .configMaps)
  "ports" (merge (dict) ($sidecar.ports | default dict) $constants.ports)
  "inbound" (ternary $inbound dict (hasKey $inbound "port" | and (not (empty $inbound.port))))
  "hosts" ($intercept.hosts | default list)
  "appEnv" ($sidecar.appEnv | default "none")
  "appContainers" ($sidecar.appContainers | default list)
  "spool" (merge (dict) $spool (dict "volume" "emptyDir" "size" "256Mi" "claimName" "" "storageClass" ""))
  "resources" ($sidecar.resources | default dict)
  "securityContext" ($sidecar.securityContext | default $constants.securityContext)
  "secretName" ($sidecar.secretName | default "")
  "extraArgs" ($sidecar.extraArgs | default list)
  "extraEnv" ($sidecar.extraEnv | default list)
  "extraEnvFrom" ($sidecar.extraEnvFrom | default list)
  "extraVolumeMounts" ($sidecar.extraVolumeMounts | default list)
  "hideToken" $hideToken
  | toJson -}}
{{- end -}}

{{- /* "true" where every container's requests are its limits, for CPU and memory. */ -}}
{{- define "outrider.sidecar.guaranteed" -}}
{{- $spec := .spec | default dict -}}
{{- $all := concat ($spec.initContainers | default list) ($spec.containers | default list) -}}
{{- $guaranteed := not (empty ($spec.containers | default list)) -}}
{{- range $container := $all -}}
{{- $resources := $container.resources | default dict -}}
{{- $limits := $resources.limits | default dict -}}
{{- $requests := $resources.requests | default dict -}}
{{- range $kind := list "cpu" "memory" -}}
{{- $limit := get $limits $kind | toString -}}
{{- $request := get $requests $kind | toString -}}
{{- if eq $limit "" -}}{{- $guaranteed = false -}}
{{- else if ne $request "" -}}
{{- if ne (include "outrider.sidecar.quantity" $limit) (include "outrider.sidecar.quantity" $request) -}}
{{- $guaranteed = false -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $guaranteed -}}true{{- end -}}
{{- end -}}

{{- /* Requests and limits, as JSON. */ -}}
{{- define "outrider.sidecar.resources" -}}
{{- $constants := include "outrider.sidecar.constants" . | fromJson -}}
{{- $options := include "outrider.sidecar.options" . | fromJson -}}
{{- $resources := $options.resources -}}
{{- if empty $resources -}}
{{- $resources = ternary $constants.guaranteed $constants.resources (eq (include "outrider.sidecar.guaranteed" .) "true") -}}
{{- end -}}
{{- $requests := $resources.requests | default dict -}}
{{- if and (eq $options.spool.volume "emptyDir") (not (hasKey $requests "ephemeral-storage")) -}}
{{- $size := include "outrider.sidecar.volumeSize" $options.spool.size -}}
{{- $resources = merge (dict "requests" (merge (dict "ephemeral-storage" $size) $requests)) $resources -}}
{{- end -}}
{{- $resources | toJson -}}
{{- end -}}

{{- define "outrider.sidecar.probe" -}}
{{- $probe := omit .probe "path" -}}
{{- set $probe "httpGet" (dict "path" .probe.path "port" .port) | toYaml -}}
{{- end -}}

{{- /* The container. */ -}}
{{- define "outrider.sidecar.container" -}}
{{- $constants := include "outrider.sidecar.constants" . | fromJson -}}
{{- $options := include "outrider.sidecar.options" . | fromJson -}}
{{- $metrics := $options.ports.metrics -}}
name: {{ $constants.name }}
image: {{ $options.image | quote }}
imagePullPolicy: {{ $options.pullPolicy }}
{{- if $options.native }}
restartPolicy: Always
{{- end }}
args: {{- concat (list "run") $options.extraArgs | toYaml | nindent 2 }}
env:
  - name: OUTRIDER_CONFIG
    value: {{ $constants.configFolder }}
  - name: POD_NAME
    valueFrom: {fieldRef: {fieldPath: metadata.name}}
  - name: POD_NAMESPACE
    valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
  - name: POD_UID
    valueFrom: {fieldRef: {fieldPath: metadata.uid}}
  - name: NODE_NAME
    valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
{{- with $options.extraEnv }}
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $options.extraEnvFrom }}
envFrom: {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: ambassador
    containerPort: {{ $options.ports.ambassador }}
    protocol: TCP
  - name: metrics
    containerPort: {{ $metrics }}
    protocol: TCP
{{- with $options.inbound }}
  - name: inbound
    containerPort: {{ .port }}
    protocol: TCP
{{- end }}
startupProbe: {{- include "outrider.sidecar.probe" (dict "probe" $constants.startupProbe "port" $metrics) | nindent 2 }}
readinessProbe: {{- include "outrider.sidecar.probe" (dict "probe" $constants.readinessProbe "port" $metrics) | nindent 2 }}
livenessProbe: {{- include "outrider.sidecar.probe" (dict "probe" $constants.livenessProbe "port" $metrics) | nindent 2 }}
resources: {{- include "outrider.sidecar.resources" . | fromJson | toYaml | nindent 2 }}
securityContext:
{{- range $field, $value := $options.securityContext }}
{{- if not (kindIs "invalid" $value) }}
  {{- dict $field $value | toYaml | nindent 2 }}
{{- end }}
{{- end }}
terminationMessagePolicy: FallbackToLogsOnError
volumeMounts:
  - name: {{ $constants.volumes.config }}
    mountPath: {{ $constants.configFolder }}
    readOnly: true
{{- if ne $options.spool.volume "none" }}
  - name: {{ $constants.volumes.spool }}
    mountPath: {{ $constants.spoolFolder }}
{{- end }}
{{- if $options.secretName }}
  - name: {{ $constants.volumes.secret }}
    mountPath: {{ $constants.secretFolder }}
    readOnly: true
{{- end }}
{{- if $options.hideToken }}
  - name: {{ $constants.volumes.token }}
    mountPath: {{ $constants.tokenFolder }}
    readOnly: true
{{- end }}
{{- with $options.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Its volumes, a list; that of `claimTemplate` is the StatefulSet's: outrider.sidecar.claimTemplate. */ -}}
{{- define "outrider.sidecar.volumes" -}}
{{- $constants := include "outrider.sidecar.constants" . | fromJson -}}
{{- $options := include "outrider.sidecar.options" . | fromJson -}}
{{- $spool := $options.spool -}}
- name: {{ $constants.volumes.config }}
  projected:
    sources:
{{- if gt (len $options.configMaps) 1 }}
      - configMap:
          name: {{ index $options.configMaps 0 }}
          items: [{key: {{ $constants.files.process }}, path: {{ $constants.files.process }}}]
      - configMap:
          name: {{ index $options.configMaps 1 }}
          items: [{key: {{ $constants.files.routes }}, path: {{ $constants.files.routes }}}]
{{- else }}
      - downwardAPI:
          items:
            - path: {{ $constants.files.process }}
              fieldRef: {fieldPath: "metadata.annotations['{{ $constants.processAnnotation }}']"}
      - configMap:
          name: {{ index $options.configMaps 0 }}
{{- end }}
{{- if eq $spool.volume "emptyDir" }}
- name: {{ $constants.volumes.spool }}
  emptyDir:
    sizeLimit: {{ include "outrider.sidecar.volumeSize" $spool.size }}
{{- else if eq $spool.volume "claim" }}
- name: {{ $constants.volumes.spool }}
  persistentVolumeClaim:
    claimName: {{ required "outrider.sidecar: spool.claimName is needed with spool.volume: claim" $spool.claimName }}
{{- else if eq $spool.volume "ephemeral" }}
- name: {{ $constants.volumes.spool }}
  ephemeral:
    volumeClaimTemplate:
      spec: {{- include "outrider.sidecar.claimSpec" . | nindent 8 }}
{{- else if not (has $spool.volume (list "claimTemplate" "none")) }}
{{- fail (printf "outrider.sidecar: spool.volume is %q; allowed: emptyDir, claim, ephemeral, claimTemplate, none" $spool.volume) }}
{{- end }}
{{- if $options.secretName }}
- name: {{ $constants.volumes.secret }}
  secret:
    secretName: {{ $options.secretName }}
{{- end }}
{{- if $options.hideToken }}
- name: {{ $constants.volumes.token }}
  emptyDir:
    sizeLimit: 1Mi
{{- end }}
{{- end -}}

{{- define "outrider.sidecar.claimSpec" -}}
{{- $options := include "outrider.sidecar.options" . | fromJson -}}
accessModes: [ReadWriteOnce]
{{- with $options.spool.storageClass }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests:
    storage: {{ include "outrider.sidecar.volumeSize" $options.spool.size }}
{{- end -}}

{{- /* An item of a StatefulSet's volumeClaimTemplates. */ -}}
{{- define "outrider.sidecar.claimTemplate" -}}
{{- $constants := include "outrider.sidecar.constants" . | fromJson -}}
metadata:
  name: {{ $constants.volumes.spool }}
spec: {{- include "outrider.sidecar.claimSpec" . | nindent 2 }}
{{- end -}}
