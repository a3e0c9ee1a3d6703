-- Takes the pause back. The field goes, as it is unset in a manifest that says nothing of it.
obj.spec.paused = nil
return obj
