package online

// checkStorage looks at the data directory before a file that is not there, or
// can not be opened, counts as failed: it may be away with all the others. It is
// done beside the loop, as the storage may hang.
func (d *Daemon) checkStorage(j *job, v verdict) {
	d.checking[j] = struct{}{}
	d.background.Go(func() {
		err := d.opt.LookAtStorage(d.life)
		d.events.put(func() { d.checked(j, v, err) })
	})
}

func (d *Daemon) checked(j *job, v verdict, storage error) {
	if _, waits := d.checking[j]; !waits {
		return // given back by a stop
	}
	delete(d.checking, j)
	if storage == nil {
		d.count(j, v)
		return
	}
	j.attempts--
	d.entry(j).WithError(storage).Debug("File waits for the data directory")
	d.ready = append([]*job{j}, d.ready...)
	d.storageIs(storage)
}

// storageIs sets the hold of the data directory.
func (d *Daemon) storageIs(fault error) {
	why := ""
	if fault != nil {
		why = fault.Error()
	}
	d.hold(HoldStorageDown, fault != nil, why)
}
