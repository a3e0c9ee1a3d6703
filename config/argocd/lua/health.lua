-- What Argo CD shows for an instance of the GREEN-API operator. docs/gitops.md has this as a table, with the reasons.
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
  hs.message = "The resource is being deleted; this calls nothing at the vendor"
  return hs
end

if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  hs.status = "Progressing"
  hs.message = "Waiting for the operator to compare this generation with the vendor's settings"
  if is("Reconciling", "True") then
    hs.message = conditions["Reconciling"].message
  end
  return hs
end

-- Before Paused: a pause does not do what a person has to do.
if is("Stalled", "True") then
  hs.status = "Degraded"
  hs.message = conditions["Stalled"].reason .. ": " .. conditions["Stalled"].message
  return hs
end

if is("Paused", "True") then
  hs.status = "Suspended"
  hs.message = conditions["Paused"].message
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
  -- The spec itself has the change wait, so that a wave goes on.
  if conditions["Synced"] ~= nil and conditions["Synced"].reason == "OutsideWindow" then
    hs.message = conditions["Synced"].message
  end
  -- The operator's work is done. A person who still has to log in is no failed deployment.
  if conditions["Available"] ~= nil and conditions["Available"].status ~= "True" then
    hs.message = hs.message .. ". Not available: " .. conditions["Available"].message
  end
  return hs
end

hs.status = "Progressing"
hs.message = "Waiting for the operator"
if conditions["Ready"] ~= nil then
  hs.message = conditions["Ready"].message
end
return hs
