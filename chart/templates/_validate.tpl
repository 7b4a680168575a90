{{/* What the schema can't say. Each sentence names the value, and what to write. */}}

{{- define "outrider.validate" -}}
{{- include "outrider.validate.mode" . -}}
{{- if ne .Values.mode "injector" -}}
{{- include "outrider.validate.routes" . -}}
{{- include "outrider.validate.config" . -}}
{{- include "outrider.validate.kafka" . -}}
{{- include "outrider.validate.sidecar" . -}}
{{- if ne .Values.mode "config" -}}
{{- include "outrider.validate.spool" . -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "outrider.validate.mode" -}}
{{- $mode := .Values.mode -}}
{{- if not $mode -}}
{{- fail "mode is not set: `--set mode=workload` runs your image with Outrider beside it (workload.template), `mode=gateway` runs Outrider alone, `mode=config` makes the ConfigMaps for pods that are injected (and `mode=injector` the webhook that injects them)" -}}
{{- end -}}
{{- if has $mode (list "collector" "worker") -}}
{{- fail (printf "mode: %s is not in this version: Outrider %s has no `outrider %s` yet; use workload, gateway or config" $mode .Chart.AppVersion $mode) -}}
{{- end -}}
{{- range $name := list "app" "persistence" -}}
{{- if get $.Values $name -}}
{{- fail (printf "%s is for mode: collector, which is not in this version; this is mode: %s" $name $mode) -}}
{{- end -}}
{{- end -}}
{{- if eq $mode "workload" -}}
{{- include "outrider.validate.workload" . -}}
{{- else if .Values.workload.template -}}
{{- fail (printf "workload.template is for mode: workload; this is mode: %s" $mode) -}}
{{- end -}}
{{- if and (eq $mode "gateway") .Values.sidecar.inbound.port -}}
{{- fail "sidecar.inbound is for mode: workload: in a gateway there is no application to stand in front of" -}}
{{- end -}}
{{- if and (eq $mode "gateway") .Values.sidecar.intercept.hosts -}}
{{- fail "sidecar.intercept.hosts is for mode: workload: in a gateway there is no application whose calls to intercept" -}}
{{- end -}}
{{- end -}}

{{- define "outrider.validate.workload" -}}
{{- if ne (int .Values.replicaCount) 1 -}}
{{- fail "replicaCount is for mode: gateway; the pods of a workload are workload.replicas" -}}
{{- end -}}
{{- $workload := .Values.workload -}}
{{- $spec := ($workload.template | default dict).spec | default dict -}}
{{- if not $spec.containers -}}
{{- fail "workload.template.spec.containers is empty: mode: workload needs the PodTemplateSpec of your application" -}}
{{- end -}}
{{- range $index, $container := $spec.containers -}}
{{- if not $container.image -}}
{{- fail (printf "workload.template.spec.containers[%d].image is missing" $index) -}}
{{- end -}}
{{- end -}}
{{- if eq (toString (get ($spec.nodeSelector | default dict) "kubernetes.io/os")) "windows" -}}
{{- fail "workload.template.spec.nodeSelector chooses Windows nodes: there is no image for them; run Outrider as a gateway, on Linux nodes" -}}
{{- end -}}
{{- $isJob := has $workload.kind (list "Job" "CronJob") -}}
{{- if and $isJob (not .Values.sidecar.native) -}}
{{- fail (printf "sidecar.native: false with workload.kind: %s would never complete: a plain container beside the job's keeps its pod running; use sidecar.native: true" $workload.kind) -}}
{{- end -}}
{{- if and (eq $workload.kind "CronJob") (not $workload.spec.schedule) -}}
{{- fail "workload.spec.schedule is missing: workload.kind: CronJob needs one, for example \"*/5 * * * *\"" -}}
{{- end -}}
{{- if and $workload.jobSpec (ne $workload.kind "CronJob") -}}
{{- fail (printf "workload.jobSpec is for workload.kind: CronJob; for a %s use workload.spec" $workload.kind) -}}
{{- end -}}
{{- if hasKey $workload.spec "template" -}}
{{- fail "workload.spec.template is not read: the pod belongs in workload.template" -}}
{{- end -}}
{{- include "outrider.validate.selector" . -}}
{{- end -}}

{{/* Kubernetes would refuse it, too, but not by the name of a value. */}}
{{- define "outrider.validate.selector" -}}
{{- $given := ((.Values.workload.template.metadata | default dict).labels | default dict) -}}
{{- range $key, $value := include "outrider.selectorLabels" . | fromYaml -}}
{{- if and (hasKey $given $key) (ne (toString (get $given $key)) (toString $value)) -}}
{{- fail (printf "workload.template.metadata.labels.%s is %q: the chart's own label is %q; take it out of the template" $key (toString (get $given $key)) (toString $value)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "outrider.validate.routes" -}}
{{- $routes := .Values.routes -}}
{{- if eq $routes.ownership "existing" -}}
{{- if not $routes.existingConfigMap -}}
{{- fail "routes.existingConfigMap is empty: with routes.ownership: existing it names the ConfigMap that has routes.yaml" -}}
{{- end -}}
{{- if $routes.content -}}
{{- fail "routes.content is not used with routes.ownership: existing: it belongs into the ConfigMap that routes.existingConfigMap names" -}}
{{- end -}}
{{- else -}}
{{- if $routes.existingConfigMap -}}
{{- fail (printf "routes.existingConfigMap is for routes.ownership: existing; this is %s" $routes.ownership) -}}
{{- end -}}
{{- if not (trim $routes.content) -}}
{{- fail "routes.content is empty: write routes.yaml there, or `--set-file routes.content=routes.yaml`; at least `targets` and `default`" -}}
{{- end -}}
{{- include "outrider.validate.routesContent" . -}}
{{- if eq $routes.ownership "seed" }}{{ include "outrider.validate.seedOverManaged" . }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* What is an object of the release and is no longer rendered, Helm deletes. */}}
{{- define "outrider.validate.seedOverManaged" -}}
{{- $name := include "outrider.routesName" . -}}
{{- with lookup "v1" "ConfigMap" .Release.Namespace $name -}}
{{- $annotations := .metadata.annotations | default dict -}}
{{- if and (eq (toString (get $annotations "meta.helm.sh/release-name")) $.Release.Name) (ne (toString (get $annotations "helm.sh/resource-policy")) "keep") -}}
{{- fail (printf "routes.ownership: seed, and ConfigMap %s was made with managed: Helm would delete it. First run: kubectl -n %s annotate configmap %s helm.sh/resource-policy=keep" $name $.Release.Namespace $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The application checks every key when it starts; here only what must hold for the rest of the chart. */}}
{{- define "outrider.validate.routesContent" -}}
{{- $content := .Values.routes.content | fromYaml -}}
{{- if and (hasKey $content "Error") (eq (len $content) 1) -}}
{{- fail (printf "routes.content is no YAML mapping: %s" (get $content "Error")) -}}
{{- end -}}
{{- if not (or (hasKey $content "targets") (hasKey $content "destination") (hasKey $content "rewrites")) -}}
{{- fail "routes.content has no `targets`: it is where requests go, by name" -}}
{{- end -}}
{{- /* A worker delivers what Kafka has, whatever becomes of the pod. */}}
{{- $worker := and $.Values.kafka.brokers (eq (toString ((($.Values.config | default dict).delivery | default dict).by)) "worker") -}}
{{- range $index, $rule := $content.rules | default list -}}
{{- $delivery := ($rule | default dict).delivery | default dict -}}
{{- $mode := toString ($delivery.mode | default "inline") -}}
{{- $waits := or (has $mode (list "queued" "deadline")) (has (toString $delivery.redeliver) (list "safe" "always")) -}}
{{- if and $waits (has $.Values.spool.volume (list "emptyDir" "ephemeral" "none")) (not $worker) (not $.Values.spool.acceptLoss) (ne $.Values.mode "config") -}}
{{- fail (printf "spool.volume: %s is gone with the pod, and rule %q of routes.content promises delivery later: use claim or claimTemplate, or accept it with spool.acceptLoss: true" $.Values.spool.volume (toString (default $index $rule.name))) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "outrider.validate.config" -}}
{{- $config := .Values.config | default dict -}}
{{- range $key, $instead := dict "spool.path" "nothing: the volume is mounted there" "spool.size" "spool.size, from which the volume's size follows" "spool.enabled" "spool.volume: none" "spool.keyFile" "spool.keySecret" "spool.acceptLoss" "spool.acceptLoss" "metrics.address" "ports.metrics, where probes and monitors look" -}}
{{- $section := index (splitList "." $key) 0 -}}
{{- $name := index (splitList "." $key) 1 -}}
{{- if hasKey (get $config $section | default dict) $name -}}
{{- fail (printf "config.%s is the chart's: use %s" $key $instead) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "outrider.validate.kafka" -}}
{{- $kafka := .Values.kafka -}}
{{- if and $kafka.sasl.mechanism (not $kafka.existingSecret) -}}
{{- fail "kafka.existingSecret is empty: kafka.sasl needs a Secret with the password (kafka.sasl.passwordKey); the chart takes no credentials itself" -}}
{{- end -}}
{{- if and $kafka.sasl.mechanism (not $kafka.sasl.username) -}}
{{- fail "kafka.sasl.username is empty: kafka.sasl.mechanism needs one" -}}
{{- end -}}
{{- if and (or $kafka.tls.caKey $kafka.tls.certKey $kafka.tls.keyKey) (not $kafka.existingSecret) -}}
{{- fail "kafka.existingSecret is empty: kafka.tls.caKey, certKey and keyKey are keys of that Secret" -}}
{{- end -}}
{{- if and (or $kafka.tls.caKey $kafka.tls.certKey $kafka.tls.keyKey) (not $kafka.tls.enabled) -}}
{{- fail "kafka.tls.enabled is false, and kafka.tls names files: set it to true" -}}
{{- end -}}
{{- if ne (empty $kafka.tls.certKey) (empty $kafka.tls.keyKey) -}}
{{- fail "kafka.tls.certKey and kafka.tls.keyKey need each other" -}}
{{- end -}}
{{- end -}}

{{- define "outrider.validate.sidecar" -}}
{{- $inbound := .Values.sidecar.inbound -}}
{{- if ne (empty $inbound.port) (empty $inbound.appPort) -}}
{{- fail "sidecar.inbound.port and sidecar.inbound.appPort need each other: where traffic comes in, and where the application listens" -}}
{{- end -}}
{{- $ports := dict "ports.ambassador" .Values.ports.ambassador "ports.metrics" .Values.ports.metrics "ports.admin" .Values.ports.admin -}}
{{- if $inbound.port }}{{ $_ := set $ports "sidecar.inbound.port" $inbound.port }}{{ $_ := set $ports "sidecar.inbound.appPort" $inbound.appPort }}{{ end -}}
{{- if .Values.sidecar.intercept.hosts }}{{ $_ := set $ports "sidecar.intercept (80)" 80 }}{{ end -}}
{{- $taken := dict -}}
{{- range $name, $port := $ports -}}
{{- $key := toString (int $port) -}}
{{- if hasKey $taken $key -}}
{{- fail (printf "%s is %s, and so is %s: ports of one pod must differ" $name $key (get $taken $key)) -}}
{{- end -}}
{{- $_ := set $taken $key $name -}}
{{- end -}}
{{- if and .Values.sidecar.appContainers (ne .Values.sidecar.appEnv "none") (eq .Values.mode "workload") -}}
{{- $names := list -}}
{{- range .Values.workload.template.spec.containers }}{{ $names = append $names .name }}{{ end -}}
{{- range .Values.sidecar.appContainers -}}
{{- if not (has . $names) -}}
{{- fail (printf "sidecar.appContainers: there is no container %q in workload.template; there are: %s" . (join ", " $names)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A group for the spool's volume would change the files of the application's claims as well. */}}
{{- define "outrider.validate.group" -}}
{{- $spec := .Values.workload.template.spec -}}
{{- $claims := list -}}
{{- range $spec.volumes | default list -}}
{{- if or .persistentVolumeClaim .ephemeral }}{{ $claims = append $claims .name }}{{ end -}}
{{- end -}}
{{- range .Values.workload.spec.volumeClaimTemplates | default list -}}
{{- $claims = append $claims (.metadata | default dict).name -}}
{{- end -}}
{{- $grouped := or (hasKey ($spec.securityContext | default dict) "fsGroup") (hasKey (.Values.podSecurityContext | default dict) "fsGroup") -}}
{{- if and $claims (include "outrider.spool.needsGroup" .) (not $grouped) -}}
{{- fail (printf "podSecurityContext.fsGroup is not set: spool.volume: %s must be writable for Outrider, and a group for it changes the files of your own claims (%s), too; set it to the group that these have, or use emptyDir" .Values.spool.volume (join ", " $claims)) -}}
{{- end -}}
{{- end -}}

{{- define "outrider.validate.spool" -}}
{{- $spool := .Values.spool -}}
{{- $isWorkload := eq .Values.mode "workload" -}}
{{- $kind := ternary .Values.workload.kind "gateway" $isWorkload -}}
{{- if and $spool.existingClaim (ne $spool.volume "claim") -}}
{{- fail (printf "spool.existingClaim is for spool.volume: claim; this is %s" $spool.volume) -}}
{{- end -}}
{{- if $isWorkload }}{{ include "outrider.validate.group" . }}{{ end -}}
{{- if and (eq $spool.volume "claimTemplate") $isWorkload (ne $kind "StatefulSet") -}}
{{- fail (printf "spool.volume: claimTemplate needs workload.kind: StatefulSet; this is a %s, where claim or ephemeral work" $kind) -}}
{{- end -}}
{{- if and (eq $spool.volume "claim") (ne $spool.accessMode "ReadWriteMany") -}}
{{- if eq $kind "DaemonSet" -}}
{{- fail "spool.volume: claim with a DaemonSet needs spool.accessMode: ReadWriteMany: its pods are on several nodes; or use ephemeral or emptyDir" -}}
{{- end -}}
{{- $replicas := ternary .Values.workload.replicas .Values.replicaCount $isWorkload -}}
{{- $name := ternary "workload.replicas" "replicaCount" $isWorkload -}}
{{- if and (has $kind (list "Deployment" "StatefulSet" "gateway")) (gt (int $replicas) 1) -}}
{{- fail (printf "%s is %d, and spool.volume: claim is one %s volume: use %s, spool.accessMode: ReadWriteMany, or one replica" $name (int $replicas) $spool.accessMode (ternary "a StatefulSet with claimTemplate" "claimTemplate" $isWorkload)) -}}
{{- end -}}
{{- if include "outrider.autoscaled" . -}}
{{- fail (printf "autoscaling.enabled with spool.volume: claim is more pods on one %s volume: use claimTemplate" $spool.accessMode) -}}
{{- end -}}
{{- $strategy := ternary .Values.workload.spec.strategy .Values.gateway.spec.strategy $isWorkload | default dict -}}
{{- if and (has $kind (list "Deployment" "gateway")) $strategy (ne (toString $strategy.type) "Recreate") -}}
{{- fail (printf "%s.spec.strategy: RollingUpdate with spool.volume: claim waits for ever: the %s volume is the old pod's until it ends; leave the strategy to the chart (Recreate)" .Values.mode $spool.accessMode) -}}
{{- end -}}
{{- end -}}
{{- end -}}
