using Parquet.Schema;

namespace FedLora.Training.Data.Formats;

/// <summary>
/// Puts a row's nested value together from its leaf columns, by their repetition and definition levels (Melnik et al., Dremel, VLDB 2010):
/// lists, and structures of named
/// fields, as deep as they go.
/// </summary>
/// <param name="columns">The leaf columns, by field.</param>
internal sealed class ParquetTree(IReadOnlyDictionary<DataField, ParquetColumn> columns)
{
    /// <summary>The leaves below a field; null where one kind of field below it is not read.</summary>
    public static IReadOnlyList<DataField>? Leaves(Field field) => field switch
    {
        DataField { IsArray: false } leaf => [leaf],
        ListField list => Leaves(list.Item),
        StructField fields => fields.Fields.Select(Leaves)
            .Aggregate((IReadOnlyList<DataField>?)[], (all, some) => all is null || some is null ? null : [.. all, .. some]),
        _ => null,
    };

    /// <summary>The next row's value of a field.</summary>
    public object? Next(Field field) => field switch
    {
        DataField leaf => columns[leaf].Next(),
        ListField list => List(list),
        StructField fields => Structure(fields),
        _ => throw new InvalidOperationException("not a field that is read"),
    };

    private List<object?>? List(ListField list)
    {
        var leaves = Columns(list);
        var defined = leaves[0].Definition;
        if (defined < list.MaxDefinitionLevel)
        {
            leaves.ForEach(leaf => leaf.Skip());
            // One level below its entries' the list is there, and empty.
            return defined == list.MaxDefinitionLevel - 1 ? [] : null;
        }
        var items = new List<object?>();
        do
        {
            items.Add(Next(list.Item));
        }
        while (leaves[0].Continues(list.MaxRepetitionLevel));
        return items;
    }

    private Dictionary<string, object?>? Structure(StructField fields)
    {
        var leaves = Columns(fields);
        if (leaves[0].Definition >= fields.MaxDefinitionLevel)
            return fields.Fields.ToDictionary(field => field.Name, Next, StringComparer.Ordinal);
        leaves.ForEach(leaf => leaf.Skip());
        return null;
    }

    private List<ParquetColumn> Columns(Field field) => [.. Leaves(field)!.Select(leaf => columns[leaf])];
}
