{{- /* What the sidecar makes of a pod. Options: see _sidecar.tpl. */ -}}

{{- /* The pod's spec with the sidecar in it; nothing of the application's is overwritten. */ -}}
{{- define "outrider.sidecar.pod" -}}
{{- $constants := include "outrider.sidecar.constants" . | fromJson -}}
{{- $options := include "outrider.sidecar.options" . | fromJson -}}
{{- $spec := deepCopy (.spec | default dict) -}}
{{- $container := include "outrider.sidecar.container" . | fromYaml -}}
{{- with $container.Error -}}{{- fail (printf "outrider.sidecar: the container is no YAML: %s" .) -}}{{- end -}}
{{- include "outrider.sidecar.check" (dict "constants" $constants "options" $options "spec" $spec) -}}
{{- if ne $options.appEnv "none" -}}
{{- $containers := list -}}
{{- range $app := $spec.containers | default list -}}
{{- if or (empty $options.appContainers) (has $app.name $options.appContainers) -}}
{{- $arguments := dict "env" ($app.env | default list) "appEnv" $options.appEnv "port" $options.ports.ambassador -}}
{{- $_ := set $app "env" (include "outrider.sidecar.appEnv" $arguments | fromYamlArray) -}}
{{- end -}}
{{- $containers = append $containers $app -}}
{{- end -}}
{{- $_ := set $spec "containers" $containers -}}
{{- end -}}
{{- $list := ternary "initContainers" "containers" $options.native -}}
{{- $_ := set $spec $list (prepend (get $spec $list | default list) $container) -}}
{{- $volumes := include "outrider.sidecar.volumes" . | fromYamlArray -}}
{{- $_ := set $spec "volumes" (concat ($spec.volumes | default list) $volumes) -}}
{{- with $options.hosts -}}
{{- $alias := dict "ip" "127.0.0.1" "hostnames" . -}}
{{- $_ := set $spec "hostAliases" (append ($spec.hostAliases | default list) $alias) -}}
{{- $context := $spec.securityContext | default dict -}}
{{- $name := "net.ipv4.ip_unprivileged_port_start" -}}
{{- $sysctls := list -}}
{{- range $context.sysctls | default list -}}
{{- if ne .name $name -}}{{- $sysctls = append $sysctls . -}}{{- end -}}
{{- end -}}
{{- $_ := set $context "sysctls" (append $sysctls (dict "name" $name "value" "80")) -}}
{{- $_ := set $spec "securityContext" $context -}}
{{- end -}}
{{- toYaml $spec -}}
{{- end -}}

{{- /* A container's env with what sends its plain HTTP to the sidecar; what it says already is left alone. */ -}}
{{- define "outrider.sidecar.appEnv" -}}
{{- $url := printf "http://localhost:%d" (int64 .port) -}}
{{- $none := "localhost,127.0.0.1,::1,169.254.169.254" -}}
{{- $added := list -}}
{{- if eq .appEnv "httpProxy" -}}
{{- $added = list (list "HTTP_PROXY" $url) (list "http_proxy" $url) (list "NO_PROXY" $none) (list "no_proxy" $none) -}}
{{- else if eq .appEnv "baseUrl" -}}
{{- $added = list (list "OUTRIDER_URL" $url) -}}
{{- else -}}
{{- fail (printf "outrider.sidecar: sidecar.appEnv is %q; allowed: none, httpProxy, baseUrl" .appEnv) -}}
{{- end -}}
{{- $env := .env -}}
{{- $names := list -}}
{{- range $env -}}{{- $names = append $names .name -}}{{- end -}}
{{- range $added -}}
{{- if not (has (index . 0) $names) -}}
{{- $env = append $env (dict "name" (index . 0) "value" (index . 1)) -}}
{{- end -}}
{{- end -}}
{{- toYaml $env -}}
{{- end -}}

{{- /* Refuses what can't work, as `outrider inject` does. */ -}}
{{- define "outrider.sidecar.check" -}}
{{- $spec := .spec -}}
{{- $ports := .options.ports -}}
{{- $ours := dict (toString $ports.ambassador) "ports.ambassador" (toString $ports.metrics) "ports.metrics" (toString $ports.admin) "ports.admin" -}}
{{- with .options.inbound -}}{{- $_ := set $ours (toString .port) "inbound.port" -}}{{- end -}}
{{- if .options.hosts -}}{{- $_ := set $ours "80" "intercept (it listens on 80)" -}}{{- end -}}
{{- if $spec.hostNetwork -}}
{{- fail "outrider.sidecar: the pod has hostNetwork: true: its localhost is the node's, shared with every other pod. Take hostNetwork away, or run Outrider as a gateway" -}}
{{- end -}}
{{- if eq (toString (($spec.os | default dict).name)) "windows" -}}
{{- fail "outrider.sidecar: the pod is for Windows: there is no image for it. Run Outrider as a gateway, on Linux nodes" -}}
{{- end -}}
{{- if and (not .options.native) (has (toString $spec.restartPolicy) (list "Never" "OnFailure")) -}}
{{- fail (printf "outrider.sidecar: the pod is to end (restartPolicy: %s), and a plain container beside its own would keep it running for ever: leave out sidecar.native: false" $spec.restartPolicy) -}}
{{- end -}}
{{- $constants := .constants -}}
{{- range concat ($spec.initContainers | default list) ($spec.containers | default list) -}}
{{- $container := .name -}}
{{- if eq $container $constants.name -}}
{{- fail (printf "outrider.sidecar: the pod has a container %q already: rename it, or take it away" $container) -}}
{{- end -}}
{{- range .ports | default list -}}
{{- $port := toString .containerPort -}}
{{- if hasKey $ours $port -}}
{{- fail (printf "outrider.sidecar: port %s of container %q is sidecar.%s, too: choose another there" $port $container (get $ours $port)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $spec.volumes | default list -}}
{{- if has .name (values $constants.volumes) -}}
{{- fail (printf "outrider.sidecar: the pod has a volume %q already: rename it" .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Annotations for the pod: `kubectl logs` and `exec` choose the application. */ -}}
{{- define "outrider.sidecar.annotations" -}}
{{- $containers := (.spec | default dict).containers | default list -}}
{{- with first $containers -}}
kubectl.kubernetes.io/default-container: {{ .name }}
{{- end -}}
{{- end -}}
