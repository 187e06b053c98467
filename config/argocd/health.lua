-- Health of a WhatsAppWebhook for Argo CD, from the conditions in its status.
local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local function is(name, value)
  return conditions[name] ~= nil and conditions[name].status == value
end

local function health(status, name)
  return {status = status, message = conditions[name].message}
end

-- The status of an earlier generation does not apply to this one.
if conditions.Ready == nil or (status.observedGeneration or obj.metadata.generation) ~= obj.metadata.generation then
  return {status = "Progressing", message = "The operator has not reconciled it yet"}
end
if is("Stalled", "True") then
  return health("Degraded", "Stalled")
end
if is("Reconciling", "True") then
  return health("Progressing", "Reconciling")
end
-- Paused on purpose, whether or not pods are ready.
if conditions.Ready.reason == "ScaledToZero" or conditions.Ready.reason == "Suspended" then
  return health("Suspended", "Ready")
end
if is("Ready", "True") then
  return health("Healthy", "Ready")
end
if is("Ready", "False") then
  return health("Degraded", "Ready")
end
return health("Progressing", "Ready")
