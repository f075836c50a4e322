namespace FedLora.Dashboard.Pages;

/// <summary>A part of a long list: pages stay small, however much history there is.</summary>
internal static class Paging
{
    /// <summary>Rows of one page.</summary>
    internal const int Size = 50;

    internal static Part<T> Of<T>(IReadOnlyList<T> all, int? page)
    {
        var pages = Math.Max(1, (all.Count + Size - 1) / Size);
        var at = Math.Clamp(page ?? 1, 1, pages);
        return new Part<T>([.. all.Skip((at - 1) * Size).Take(Size)], all.Count, at, pages);
    }
}

/// <summary>One page of a list.</summary>
/// <param name="Rows">Its rows.</param>
/// <param name="Count">Of the whole list.</param>
/// <param name="Page">From 1.</param>
/// <param name="Pages">How many there are.</param>
public sealed record Part<T>(IReadOnlyList<T> Rows, int Count, int Page, int Pages);
