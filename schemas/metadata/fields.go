package metadata

import (
	"errors"
	"fmt"

	"ingestor/schemas/metadata/pyvalue"
)

// highLevelNames are the fields of a dataset that a schema can set.
var highLevelNames = []string{
	"pid", "datasetName", "description", "principalInvestigator", "creationLocation", "owner", "ownerEmail",
	"sourceFolder", "contactEmail", "creationTime", "type", "sampleId", "techniques", "instrumentId", "proposalId",
	"ownerGroup", "accessGroups", "startTime", "endTime", "runNumber", "keywords",
}

// reservedNames are the fields of a dataset that the ingestor sets itself.
var reservedNames = []string{"isPublished", "scientificMetadata", "size", "numberOfFiles"}

// droppedBecause says why a field is not sent; empty when it is.
func droppedBecause(item Item) string {
	switch {
	case item.FieldType == Scientific:
		return ""
	case item.FieldType != HighLevel:
		return fmt.Sprintf("the field type %q is not known", item.FieldType)
	case known(item.MachineName, reservedNames):
		return item.MachineName + " is set by the ingestor itself"
	case !known(item.MachineName, highLevelNames):
		return fmt.Sprintf("a dataset has no field %q", item.MachineName)
	default:
		return ""
	}
}

// fields evaluates the items of the schema.
func (e *evaluation) fields() {
	all := scope{e.registry, len(e.schema.Definitions)}
	for _, item := range e.schema.Items {
		field := Field{Item: item, Dropped: droppedBecause(item)}
		var err error
		if field.Value, field.Unit, err = all.field(item); err != nil {
			field.Failure = &Failure{What: "field", Name: item.MachineName, Source: item.FieldType, Type: item.Type,
				From: item.Template(), Reason: err.Error(), Line: item.Line}
			if missing := (*missingError)(nil); errors.As(err, &missing) {
				field.Failure.Because = all.failed(item.value)
				e.charge(field.Failure.Because, item.MachineName)
			}
			e.result.Failures = append(e.result.Failures, *field.Failure)
		}
		e.result.Fields = append(e.result.Fields, field)
		if field.Failure != nil {
			continue
		}
		if field.Dropped != "" {
			e.warn("field %s is dropped: %s", item.Key, field.Dropped)
			continue
		}
		e.take(field)
	}
}

// charge notes with failed variables that a field failed for their sake.
func (e *evaluation) charge(variables []string, field string) {
	for i := range e.result.Failures {
		f := &e.result.Failures[i]
		if f.What == "variable" && known(f.Name, variables) && !known(field, f.Costs) {
			f.Costs = append(f.Costs, field)
		}
	}
}

// field is the value of an item for encoding/json, and its unit.
func (s scope) field(item Item) (any, string, error) {
	v, unit, err := s.render(item.value)
	if err != nil {
		return nil, "", err
	}
	if v, err = convert(v, item.Type); err != nil {
		return nil, "", err
	}
	plain, err := pyvalue.Plain(v)
	if err != nil {
		return nil, "", err
	}
	if item.Unit != "" {
		unit = item.Unit
	}
	return plain, unit, nil
}

// take puts a field into the result. Of fields with one name the last counts.
func (e *evaluation) take(field Field) {
	item := field.Item
	if item.FieldType == HighLevel {
		e.result.HighLevel[item.MachineName] = field.Value
		return
	}
	scientific := ScientificField{item.MachineName, item.HumanName, field.Value, item.Type, field.Unit}
	for i := range e.result.Scientific {
		if e.result.Scientific[i].MachineName == item.MachineName {
			e.result.Scientific[i] = scientific
			return
		}
	}
	e.result.Scientific = append(e.result.Scientific, scientific)
}
