using FluentValidation;
using Secrets.Domain;

namespace Secrets.Application.Common;

/// <summary>Part of a list.</summary>
/// <param name="Items">The rows.</param>
/// <param name="NextCursor">Where the next page starts; null when there is none.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);

/// <summary>A list that is read in pages.</summary>
public interface IPaged
{
    /// <summary>Rows to answer at most, 1 to 1000; null: all of them.</summary>
    int? Limit { get; }

    /// <summary>Where to go on, as an earlier page said.</summary>
    string? Cursor { get; }
}

/// <summary>A place in a list: right behind one row. Its text is opaque to clients.</summary>
internal readonly record struct PageCursor(DateTimeOffset CreatedAt, Guid Id)
{
    private const int Size = sizeof(long) + 16;

    public static PageCursor? Parse(string? text)
    {
        Span<byte> bytes = stackalloc byte[Size];
        return CursorText.Read(text, bytes) is { } moment ? new PageCursor(moment, new Guid(bytes[sizeof(long)..], bigEndian: true)) : null;
    }

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        Id.TryWriteBytes(bytes[sizeof(long)..], bigEndian: true, out _);
        return CursorText.Write(CreatedAt, bytes);
    }
}

/// <summary>What all paged lists share.</summary>
public static class Paging
{
    /// <summary>The most rows of a page.</summary>
    public const int MaxLimit = 1000;

    /// <summary>The rules of a paged list in the order of lists.</summary>
    internal static void ValidatePage<T>(this AbstractValidator<T> validator)
        where T : IPaged =>
        validator.ValidatePage(cursor => PageCursor.Parse(cursor) is not null);

    /// <summary>The rules of a paged list in an order of its own.</summary>
    internal static void ValidatePage<T>(this AbstractValidator<T> validator, Func<string, bool> isCursor)
        where T : IPaged
    {
        validator.RuleFor(list => list.Limit).InclusiveBetween(1, MaxLimit)
            .WithErrorCode(Codes.BadValue).WithMessage($"Must be between 1 and {MaxLimit}.");
        validator.RuleFor(list => list.Cursor).Must(cursor => cursor is null || isCursor(cursor))
            .WithErrorCode(Codes.BadValue).WithMessage("Is not a cursor that this service gave out.");
    }

    /// <summary>Reads one page of rows in the order of lists.</summary>
    internal static Task<Page<T>> ToPageAsync<T>(
        this IAsyncEnumerable<T> ordered, IPaged paged, CancellationToken cancellationToken)
        where T : IListed =>
        ordered.ToPageAsync(paged, row => new PageCursor(row.CreatedAt, row.Id).ToString(), cancellationToken);

    /// <summary>Reads one page of rows that are narrowed and ordered already, and no more of them than it takes.</summary>
    /// <param name="ordered">The rows.</param>
    /// <param name="paged">How many rows a page has.</param>
    /// <param name="cursorBehind">Where the page after a row begins.</param>
    /// <param name="cancellationToken">The caller's.</param>
    internal static async Task<Page<T>> ToPageAsync<T>(
        this IAsyncEnumerable<T> ordered, IPaged paged, Func<T, string> cursorBehind, CancellationToken cancellationToken)
    {
        var items = await (paged.Limit is { } limit ? ordered.Take(limit + 1) : ordered).ToListAsync(cancellationToken);
        if (!(items.Count > paged.Limit))
        {
            return new Page<T>(items, NextCursor: null);
        }

        items.RemoveAt(items.Count - 1);
        return new Page<T>(items, cursorBehind(items[^1]));
    }

    /// <summary>
    /// No more rows than a page and the one that tells whether there is another; only where the database decides which rows there are.
    /// </summary>
    internal static IQueryable<T> TakePage<T>(this IOrderedQueryable<T> rows, IPaged paged) =>
        paged.Limit is { } limit ? rows.Take(limit + 1) : rows;

    /// <summary>The rows behind the cursor, in the order of lists.</summary>
    internal static IOrderedQueryable<T> InOrder<T>(this IQueryable<T> rows, IPaged paged)
        where T : class, IListed
    {
        if (PageCursor.Parse(paged.Cursor) is { } cursor)
        {
            var (createdAt, id) = cursor;
            rows = rows.Where(row => row.CreatedAt > createdAt || (row.CreatedAt == createdAt && row.Id > id));
        }

        return rows.OrderBy(row => row.CreatedAt).ThenBy(row => row.Id);
    }
}
