{{- define "lepton.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "lepton.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "lepton.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "lepton.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "lepton.labels" -}}
{{ include "lepton.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "lepton.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* Not empty where something may be done beside looking. */}}
{{- define "lepton.acts" -}}
{{- range append (values .Values.ownerModes) .Values.mode -}}
{{- if ne . "observe" -}}yes{{- end -}}
{{- end -}}
{{- end -}}

{{/* The settings: those of .Values.settings, and what the chart knows better. */}}
{{- define "lepton.settings" -}}
{{- $settings := deepCopy .Values.settings -}}
{{- $_ := set $settings "mode" .Values.mode -}}
{{- $_ := set $settings "owner_modes" .Values.ownerModes -}}
{{- $_ := set $settings "source" "kubernetes" -}}
{{- $_ := set $settings "listen" (printf "%s:7717" .Values.listenHost) -}}
{{- $_ := set $settings "state_dir" "/var/lib/lepton" -}}
{{- if .Values.tls.secretName -}}
{{- $_ := set $settings "tls_cert" "/etc/lepton/tls/tls.crt" -}}
{{- $_ := set $settings "tls_key" "/etc/lepton/tls/tls.key" -}}
{{- end -}}
{{- $kubernetes := default (dict) $settings.kubernetes -}}
{{- $_ := set $kubernetes "lease" (printf "%s/%s" .Release.Namespace (include "lepton.fullname" .)) -}}
{{- $_ := set $kubernetes "review_tokens" .Values.access.kubernetes -}}
{{- $_ := set $settings "kubernetes" $kubernetes -}}
{{- include "lepton.toml" (dict "table" $settings "section" "") | trim -}}
{{- end -}}

{{/* A table as TOML. Plain values look the same in JSON; `toToml` would make fractions of whole numbers. */}}
{{- define "lepton.toml" -}}
{{- $section := .section -}}
{{- range $key, $value := .table -}}
{{- if not (or (kindIs "map" $value) (kindIs "invalid" $value)) }}
{{ $key }} = {{ $value | toJson }}
{{- end -}}
{{- end -}}
{{- range $key, $value := .table -}}
{{- if and (kindIs "map" $value) $value }}
{{- $name := printf "%s%s" $section $key }}
[{{ $name }}]
{{- include "lepton.toml" (dict "table" $value "section" (printf "%s." $name)) }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Asks a path of the service. */}}
{{- define "lepton.probe" -}}
httpGet:
  path: {{ .path }}
  port: http
  scheme: {{ ternary "HTTPS" "HTTP" (ne .root.Values.tls.secretName "") }}
{{- end -}}

{{/* What each container may do: nothing. */}}
{{- define "lepton.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end -}}
