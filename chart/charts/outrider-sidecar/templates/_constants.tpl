{{- /* Generated from src/runtime/kubernetes/sidecar.ts by npm run sidecar. */ -}}
{{- define "outrider.sidecar.constants" -}}
{
  "version": "0.1.0",
  "name": "outrider",
  "repository": "outrider",
  "configFolder": "/etc/outrider/config",
  "spoolFolder": "/var/lib/outrider/spool",
  "secretFolder": "/var/run/secrets/outrider",
  "tokenFolder": "/var/run/secrets/kubernetes.io/serviceaccount",
  "volumes": {
    "config": "outrider-config",
    "spool": "outrider-spool",
    "secret": "outrider-secret",
    "token": "outrider-no-token"
  },
  "files": {
    "process": "outrider.yaml",
    "routes": "routes.yaml"
  },
  "processAnnotation": "outrider.dev/process",
  "ports": {
    "ambassador": 5000,
    "metrics": 5090,
    "admin": 5091
  },
  "resources": {
    "requests": {
      "cpu": "25m",
      "memory": "64Mi"
    },
    "limits": {
      "memory": "128Mi"
    }
  },
  "guaranteed": {
    "requests": {
      "cpu": "100m",
      "memory": "128Mi"
    },
    "limits": {
      "cpu": "100m",
      "memory": "128Mi"
    }
  },
  "securityContext": {
    "allowPrivilegeEscalation": false,
    "capabilities": {
      "drop": [
        "ALL"
      ]
    },
    "readOnlyRootFilesystem": true,
    "runAsGroup": 10001,
    "runAsNonRoot": true,
    "runAsUser": 10001,
    "seccompProfile": {
      "type": "RuntimeDefault"
    }
  },
  "startupProbe": {
    "path": "/startupz",
    "periodSeconds": 1,
    "timeoutSeconds": 5,
    "failureThreshold": 120
  },
  "readinessProbe": {
    "path": "/readyz",
    "periodSeconds": 5,
    "timeoutSeconds": 5,
    "failureThreshold": 3
  },
  "livenessProbe": {
    "path": "/livez",
    "periodSeconds": 10,
    "timeoutSeconds": 10,
    "failureThreshold": 6
  }
}
{{- end -}}
