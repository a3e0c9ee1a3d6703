-- Asks for one reboot of the instance. Its messenger is down for up to five minutes.
local os = require("os")
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["messaging.greenapi-operator.dev/reboot-requested-at"] = os.date("!%Y-%m-%dT%H:%M:%SZ")
return obj
