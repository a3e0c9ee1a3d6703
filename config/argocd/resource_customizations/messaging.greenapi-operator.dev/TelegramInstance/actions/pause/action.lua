-- Stops every call to the vendor; the last status is kept.
obj.spec.paused = true
return obj
