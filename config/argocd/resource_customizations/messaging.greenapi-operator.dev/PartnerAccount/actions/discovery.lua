-- Which actions Argo CD offers for a partner account and for a claim on one.
local actions = {}
actions["reconcile"] = {
  ["disabled"] = false,
  ["displayName"] = "Reconcile now",
  ["iconClass"] = "fa fa-fw fa-sync",
}
-- A claim that has used up its attempts gets one more by this, and it costs money.
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    if condition.type == "Stalled" and (condition.reason == "OutcomeUnknown" or condition.reason == "CreateRejected") then
      actions["reconcile"]["displayName"] = "Buy once more (look into the vendor's console first)"
    end
  end
end
return actions
