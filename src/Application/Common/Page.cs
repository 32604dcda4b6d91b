using Secrets.Domain;

namespace Secrets.Application.Common;

/// <summary>A page of a list.</summary>
/// <param name="Items">The rows.</param>
/// <param name="NextCursor">The cursor of the next page; null: this is the last page.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);

/// <summary>A list that is read in pages.</summary>
public interface IPaged
{
    /// <summary>The most rows of the page, 1 to 1000; null: all rows.</summary>
    int? Limit { get; }

    /// <summary>The <c>NextCursor</c> of the previous page.</summary>
    string? Cursor { get; }
}

/// <summary>A position in a list, right behind a row. The text is opaque to clients.</summary>
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

/// <summary>Helpers of paged lists.</summary>
public static class Paging
{
    /// <summary>The most rows of a page.</summary>
    public const int MaxLimit = 1000;

    /// <summary>The rules of a list in the order of <see cref="IListed"/>.</summary>
    internal static void ValidatePage<T>(this AbstractValidator<T> validator)
        where T : IPaged =>
        validator.ValidatePage(cursor => PageCursor.Parse(cursor) is not null);

    /// <summary>The rules of a list with its own order.</summary>
    internal static void ValidatePage<T>(this AbstractValidator<T> validator, Func<string, bool> isCursor)
        where T : IPaged
    {
        validator.RuleFor(list => list.Limit).InclusiveBetween(1, MaxLimit)
            .WithErrorCode(Codes.BadValue).WithMessage($"Must be between 1 and {MaxLimit}.");
        validator.RuleFor(list => list.Cursor).Must(cursor => cursor is null || isCursor(cursor))
            .WithErrorCode(Codes.BadValue).WithMessage("Is not a cursor that this service gave out.");
    }

    /// <summary>Reads one page of a list in the order of <see cref="IListed"/>.</summary>
    internal static Task<Page<T>> ToPageAsync<T>(
        this IAsyncEnumerable<T> ordered, IPaged paged, CancellationToken cancellationToken)
        where T : IListed =>
        ordered.ToPageAsync(paged, row => new PageCursor(row.CreatedAt, row.Id).ToString(), cancellationToken);

    /// <summary>Reads one page of filtered and ordered rows. Stops reading after the page.</summary>
    /// <param name="ordered">The rows.</param>
    /// <param name="paged">The page's limit.</param>
    /// <param name="cursorBehind">The cursor behind a row.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
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
    /// Limits the query to a page and one row more, which shows whether another page follows. Only for queries that filter in the database alone.
    /// </summary>
    internal static IQueryable<T> TakePage<T>(this IOrderedQueryable<T> rows, IPaged paged) =>
        paged.Limit is { } limit ? rows.Take(limit + 1) : rows;

    /// <summary>The rows behind the cursor, in the order of <see cref="IListed"/>.</summary>
    internal static IOrderedQueryable<T> InOrder<T>(this IQueryable<T> rows, IPaged paged)
        where T : class, IListed
    {
        if (PageCursor.Parse(paged.Cursor) is { } cursor)
        {
            var (createdAt, id) = cursor;

            // The first condition is redundant, but an index can use it.
            rows = rows.Where(row => row.CreatedAt >= createdAt && (row.CreatedAt > createdAt || row.Id > id));
        }

        return rows.OrderBy(row => row.CreatedAt).ThenBy(row => row.Id);
    }
}
