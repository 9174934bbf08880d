package scicattest

import "slices"

// What the dataset endpoints of version 3 take (scicat-api.md, section 5).

func text(name string) field { return field{name: name, checks: []check{isText}} }
func optionalText(name string) field {
	return field{name: name, optional: true, checks: []check{isText}}
}
func optional(name string, checks ...check) field {
	return field{name: name, optional: true, checks: checks}
}
func textList(name string) field { return field{name: name, checks: []check{isTexts}, wrap: true} }
func optionalTexts(name string) field {
	return field{name: name, optional: true, checks: []check{isTexts}, wrap: true}
}

func sourceFolder() field { return field{name: "sourceFolder", checks: []check{isFilled, isText}} }
func contactEmail() field { return field{name: "contactEmail", checks: []check{isMails}} }
func creationTime() field { return field{name: "creationTime", checks: []check{isTime}} }

// shared are the optional fields of every type of dataset.
func shared() dto {
	d := dto{optional("pid"), optional("ownerEmail", isMail), optional("sourceFolderHost", isHost),
		optional("isPublished", isFlag), optional("scientificMetadataValid", isFlag),
		optional("dataQualityMetrics", isNumeric), optional("datasetlifecycle", isAnObject),
		optional("scientificMetadata", isAnObject), optional("version"), optional("classification", isText),
		optional("jobParameters", isAnObject), optional("jobLogData", isText),
		{name: "techniques", optional: true, elements: dto{text("pid"), text("name")}},
		{name: "relationships", optional: true, elements: dto{text("pid"), text("relationship")}},
	}
	for _, name := range []string{"size", "packedSize", "numberOfFiles", "numberOfFilesArchived"} {
		d = append(d, optional(name, isWhole))
	}
	for _, name := range []string{"accessGroups", "sharedWith", "keywords"} {
		d = append(d, optionalTexts(name))
	}
	for _, name := range []string{"instrumentGroup", "orcidOfOwner", "validationStatus", "description", "license",
		"comment", "scientificMetadataSchema", "runNumber"} {
		d = append(d, optionalText(name))
	}
	return d
}

func rawDTO() dto {
	return append(dto{text("type"), text("ownerGroup"), text("owner"), contactEmail(), sourceFolder(), creationTime(),
		text("principalInvestigator"), text("creationLocation"), optionalText("datasetName"), optionalText("proposalId"),
		optionalText("sampleId"), optionalText("instrumentId"), optionalText("dataFormat"),
		optional("startTime", isLooseTime), optional("endTime"), optional("investigator"),
		optional("inputDatasets"), optional("usedSoftware")}, shared()...)
}

func derivedDTO() dto {
	return append(dto{text("type"), text("ownerGroup"), text("owner"), contactEmail(), sourceFolder(), creationTime(),
		text("investigator"), textList("inputDatasets"), textList("usedSoftware"), optionalText("datasetName"),
		optionalText("proposalId")}, shared()...)
}

// customDTO is for every other type: version 4's, with its plural fields.
func customDTO() dto {
	return append(dto{text("type"), text("ownerGroup"), contactEmail(), sourceFolder(), creationTime(), text("datasetName"),
		optionalText("owner"), optionalText("creationLocation"), optionalText("dataFormat"),
		optional("startTime", isLooseTime), optional("endTime"),
		optionalTexts("principalInvestigators"), optionalTexts("proposalIds"), optionalTexts("sampleIds"),
		optionalTexts("instrumentIds"), optionalTexts("inputDatasets"), optionalTexts("usedSoftware")}, shared()...)
}

func dtoOf(kind any) dto {
	switch kind {
	case "raw":
		return rawDTO()
	case "derived":
		return derivedDTO()
	}
	return customDTO()
}

// without drops fields, and partial makes all the others optional.
func (d dto) without(names ...string) dto {
	return slices.DeleteFunc(slices.Clone(d), func(f field) bool { return slices.Contains(names, f.name) })
}

func (d dto) partial() dto {
	out := slices.Clone(d)
	for i := range out {
		out[i].optional = true
	}
	return out
}
