module github.com/wawebhook/whatsapp-webhook-operator/hack/tools/argocd

go 1.26.0

tool github.com/wawebhook/whatsapp-webhook-operator/hack/tools/argocd/argocdhealth

require github.com/yuin/gopher-lua v1.1.2
