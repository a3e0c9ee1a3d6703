-- What Argo CD shows for a partner account and for a claim on one. docs/gitops.md has this as a table, with the reasons.
local hs = {}
local conditions = {}
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    conditions[condition.type] = condition
  end
end

local function is(name, status)
  return conditions[name] ~= nil and conditions[name].status == status
end

if obj.metadata.deletionTimestamp ~= nil then
  hs.status = "Progressing"
  hs.message = "The resource is being deleted"
  -- With a finalizer the instance is deleted at the vendor first.
  if obj.metadata.finalizers ~= nil and is("Ready", "False") then
    hs.message = conditions["Ready"].message
  end
  return hs
end

if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  hs.status = "Progressing"
  hs.message = "Waiting for the operator to look at this generation; it does so only with --partner-accounts"
  if is("Reconciling", "True") then
    hs.message = conditions["Reconciling"].message
  end
  return hs
end

if is("Stalled", "True") then
  hs.status = "Degraded"
  hs.message = conditions["Stalled"].reason .. ": " .. conditions["Stalled"].message
  return hs
end

if is("Reconciling", "True") then
  hs.status = "Progressing"
  hs.message = conditions["Reconciling"].message
  return hs
end

if is("Ready", "True") then
  hs.status = "Healthy"
  hs.message = conditions["Ready"].message
  return hs
end

hs.status = "Progressing"
hs.message = "Waiting for the operator"
if conditions["Ready"] ~= nil then
  hs.message = conditions["Ready"].message
end
return hs
