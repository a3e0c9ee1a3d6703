-- Which actions Argo CD offers for an instance, and which of them would do nothing now.
local paused = obj.spec.paused == true
local observing = obj.spec.reconcilePolicy == "Observe"

local actions = {}
actions["reconcile"] = {
  ["disabled"] = paused,
  ["displayName"] = "Reconcile now",
  ["iconClass"] = "fa fa-fw fa-sync",
}
actions["reboot"] = {
  ["disabled"] = paused or observing,
  ["displayName"] = "Reboot (the messenger is down for minutes)",
  ["iconClass"] = "fa fa-fw fa-power-off",
}
actions["pause"] = {
  ["disabled"] = paused,
  ["displayName"] = "Pause",
  ["iconClass"] = "fa fa-fw fa-pause",
}
actions["resume"] = {
  ["disabled"] = not paused,
  ["displayName"] = "Resume",
  ["iconClass"] = "fa fa-fw fa-play",
}
return actions
