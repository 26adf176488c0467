# Runs one command line of pwsh after the other in this process, so that what .NET compiled for one run serves the next.
# Each goes through the entry point of this very host, with its own runspace, standard input, environment and current
# folder. Linux only.
param(
    [Parameter(Mandatory)]
    [string] $Socket
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function New-Libc {
    $assembly = [System.Reflection.Emit.AssemblyBuilder]::DefineDynamicAssembly('WarmPowerShell', 'Run')
    $type = $assembly.DefineDynamicModule('WarmPowerShell').DefineType('Libc', 'Public')
    $functions = @{
        open     = [string], [int]
        dup2     = [int], [int]
        close    = , [int]
        setenv   = [string], [string], [int]
        unsetenv = , [string]
    }
    foreach ($name in $functions.Keys) {
        $attributes = 'Public, Static, PinvokeImpl'
        $takes = [type[]] $functions[$name]
        $method = $type.DefinePInvokeMethod(
            $name, 'libc', $attributes, 'Standard', [int], $takes, 'Winapi', 'Ansi')
        $method.SetImplementationFlags('PreserveSig')
    }
    $type.CreateType()
}

# .NET reads the authorities of SSL_CERT_FILE once in a process, and keeps them in these fields.
function Get-AuthorityField {
    $store = [System.Security.Cryptography.X509Certificates.X509Store]
    $type = $store.Assembly.GetType("$($store.Namespace).OpenSslCachedSystemStoreProvider", $true)
    foreach ($name in 's_nativeCollections', 's_rootStoreFile', 's_rootStoreDirectories') {
        $field = $type.GetField($name, 'Static, NonPublic')
        if (-not $field -or $field.IsInitOnly) { throw "This version of .NET has no $name that can be reset." }
        $field
    }
}

function Set-StandardInput {
    [CmdletBinding()]
    param([string] $Path)
    $opened = $Libc::open($Path, 0)
    if ($opened -lt 0 -or $Libc::dup2($opened, 0) -lt 0) { throw "$Path cannot be opened." }
    $null = $Libc::close($opened)
    [Console]::SetIn((New-Object System.IO.StreamReader([Console]::OpenStandardInput())))
}

function Set-Environment {
    [CmdletBinding()]
    param($Variables)
    foreach ($name in @([Environment]::GetEnvironmentVariables().Keys)) {
        [Environment]::SetEnvironmentVariable($name, $null)
    }
    foreach ($name in $Variables.Keys) { [Environment]::SetEnvironmentVariable($name, $Variables[$name]) }
    # OpenSSL asks the C library, and .NET changes its own copy only.
    $authority = $Variables['SSL_CERT_FILE']
    if ($authority) {
        $null = $Libc::setenv('SSL_CERT_FILE', $authority, 1)
    } else {
        $null = $Libc::unsetenv('SSL_CERT_FILE')
    }
    foreach ($field in $AuthorityFields) { $field.SetValue($null, $null) }
}

# What belongs to the process or to this thread, and a script may have changed.
function Reset-Process {
    [Console]::In.Dispose()
    Set-StandardInput '/dev/null'
    if ([Console]::OutputEncoding.WebName -ne $Encoding.WebName) { [Console]::OutputEncoding = $Encoding }
    [System.Threading.Thread]::CurrentThread.CurrentCulture = $Culture
    [System.Net.ServicePointManager]::SecurityProtocol = 'SystemDefault'
}

$Encoding = [Console]::OutputEncoding
$Culture = [System.Threading.Thread]::CurrentThread.CurrentCulture
$Libc = New-Libc
$AuthorityFields = @(Get-AuthorityField)
$runspace = [System.Management.Automation.Runspaces.Runspace]::DefaultRunspace
$main = [System.Reflection.Assembly]::GetEntryAssembly().EntryPoint
$client = New-Object System.Net.Sockets.Socket('Unix', 'Stream', 'Unspecified')
$client.Connect((New-Object System.Net.Sockets.UnixDomainSocketEndPoint $Socket))
$stream = New-Object System.Net.Sockets.NetworkStream $client
$reader = New-Object System.IO.StreamReader $stream
while ($null -ne ($line = $reader.ReadLine())) {
    $run = ConvertFrom-Json $line -AsHashtable
    Set-Environment $run.environment
    [Environment]::CurrentDirectory = $run.folder
    Set-StandardInput $run.input
    $code = $main.Invoke($null, @(, [string[]] $run.arguments))
    # The host took this thread's runspace away.
    [System.Management.Automation.Runspaces.Runspace]::DefaultRunspace = $runspace
    Reset-Process
    $answer = [System.Text.Encoding]::ASCII.GetBytes("$code`n")
    $stream.Write($answer, 0, $answer.Length)
}
