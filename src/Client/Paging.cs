using System.Runtime.CompilerServices;

namespace Secrets.Client;

/// <summary>Reads a list as one sequence, and fetches each page when the caller reaches it.</summary>
public static class Paging
{
    /// <summary>Entries of a page, unless the caller gives another number.</summary>
    public const int DefaultPageSize = 100;

    /// <summary>All secrets of the caller, oldest first.</summary>
    /// <param name="client">The service.</param>
    /// <param name="toolName">Only secrets bound to this tool, by name or pattern.</param>
    /// <param name="pageSize">Secrets per page, 1 to 1000.</param>
    /// <param name="cancellationToken">Cancels the sequence.</param>
    public static IAsyncEnumerable<SecretInfo> EnumerateSecretsAsync(
        this ISecretsClient client, string? toolName = null, int pageSize = DefaultPageSize, CancellationToken cancellationToken = default) =>
        PagesAsync(
            async (cursor, token) =>
            {
                var page = await client.ListSecretsAsync(pageSize, cursor, toolName, cancellationToken: token).ConfigureAwait(false);
                return (page.Data, page.NextCursor);
            },
            cancellationToken);

    /// <summary>All API keys that the caller may see, oldest first.</summary>
    /// <param name="client">The service.</param>
    /// <param name="pageSize">Keys per page, 1 to 1000.</param>
    /// <param name="cancellationToken">Cancels the sequence.</param>
    public static IAsyncEnumerable<ApiKeyInfo> EnumerateApiKeysAsync(
        this ISecretsClient client, int pageSize = DefaultPageSize, CancellationToken cancellationToken = default) =>
        PagesAsync(
            async (cursor, token) =>
            {
                var page = await client.ListApiKeysAsync(pageSize, cursor, cancellationToken: token).ConfigureAwait(false);
                return (page.Data, page.NextCursor);
            },
            cancellationToken);

    /// <summary>All audit rows that the caller may see, newest first.</summary>
    /// <param name="client">The service.</param>
    /// <param name="secretId">Only rows about this secret.</param>
    /// <param name="from">Only rows from this moment on.</param>
    /// <param name="to">Only rows before this moment.</param>
    /// <param name="pageSize">Rows per page, 1 to 1000.</param>
    /// <param name="cancellationToken">Cancels the sequence.</param>
    public static IAsyncEnumerable<AuditInfo> EnumerateAuditAsync(
        this ISecretsClient client,
        Guid? secretId = null,
        DateTimeOffset? from = null,
        DateTimeOffset? to = null,
        int pageSize = DefaultPageSize,
        CancellationToken cancellationToken = default) =>
        PagesAsync(
            async (cursor, token) =>
            {
                var page = await client
                    .ListAuditAsync(pageSize, cursor, secretId, from: from, to: to, cancellationToken: token)
                    .ConfigureAwait(false);
                return (page.Data, page.NextCursor);
            },
            cancellationToken);

    private static async IAsyncEnumerable<T> PagesAsync<T>(
        Func<string?, CancellationToken, Task<(IReadOnlyList<T> Data, string? NextCursor)>> read,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? cursor = null;
        do
        {
            (var data, cursor) = await read(cursor, cancellationToken).ConfigureAwait(false);
            foreach (var item in data)
            {
                yield return item;
            }
        }
        while (cursor is not null);
    }
}
